package main

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// nackAPI is the version of NACK's resources.
const nackAPI = "jetstream.nats.io/v1beta2"

// manifests are the streams for NACK, the controller of JetStream for Kubernetes.
func manifests() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`# The streams of Staffetta for NACK, the controller of JetStream for Kubernetes.
# Written by: make generate. What each is for, and what you may choose: docs/deploy.md.
#
# Buckets are resources of the kind Stream: one of the kind KeyValue would allow direct
# reads, which may be stale, and the service refuses it. NACK deletes and changes none of
# them, whatever becomes of the resource: they hold what was paid for.
#
# Two things are not here. The stream KV_rate is made by the service: its numbers begin
# with the clock. So are its consumers: they follow its settings.
#
# Set replicas to 3 on a cluster, and staffetta.installation to a word of your own, the
# same one in each: by it streams of another backup are noticed.
`)
	for _, cfg := range everyStream() {
		if cfg.Name == streams.Rate {
			continue
		}
		spec, err := streamSpec(cfg)
		if err != nil {
			return nil, err
		}
		if err := appendResource(&b, "Stream", cfg.Name, spec); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func streamSpec(cfg jetstream.StreamConfig) (ordered, error) {
	all, err := settingsOf(cfg)
	if err != nil {
		return nil, err
	}
	spec := ordered{{"name", cfg.Name}, {"subjects", cfg.Subjects}}
	for _, s := range all {
		spec = append(spec, pair{s.spec, s.is})
	}
	meta := ordered{{streams.MetaInstallation, "change-me"}, {streams.MetaLayout, strconv.Itoa(streams.Layout)}}
	for name, value := range sorted(streams.MonitorOfStream(cfg.Name)) {
		meta = append(meta, pair{name, value})
	}
	return append(spec,
		pair{"replicas", cfg.Replicas},
		pair{"metadata", meta},
		pair{"preventDelete", true}, pair{"preventUpdate", true},
	), nil
}

// readers are the durable consumers of those that read events, as the table of access in
// deploy has them.
func readers(t access.Table) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`# The durable consumers of those that read events, for NACK: those of deploy/nats/access.yaml.
# Written by: make generate. staffetta access consumers makes the same ones of your table.
`)
	for _, c := range t.Consumers() {
		cfg := streams.ReaderConsumer(c.Name, c.Filter)
		err := appendResource(&b, "Consumer", cfg.Durable, ordered{
			{"streamName", streams.Events}, {"durableName", cfg.Durable}, {"description", cfg.Description},
			{"filterSubject", cfg.FilterSubject}, {"deliverPolicy", "all"}, {"replayPolicy", "instant"}, {"ackPolicy", "explicit"},
			// What the server sets where nobody says anything: NACK would say one
			// nanosecond.
			{"ackWait", "30s"}, {"maxDeliver", -1},
			{"preventDelete", true}, {"preventUpdate", true},
		})
		if err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// appendResource adds a resource, with the name that Kubernetes allows for it.
func appendResource(b *bytes.Buffer, kind, name string, spec ordered) error {
	b.WriteString("---\n")
	return encodeYAML(b, ordered{
		{"apiVersion", nackAPI}, {"kind", kind},
		{"metadata", ordered{{"name", strings.ToLower(strings.ReplaceAll(name, "_", "-"))}}},
		{"spec", spec},
	})
}

// ordered is an object whose members stay in their order.
type ordered []pair

type pair struct {
	name string
	is   any
}

// MarshalYAML writes the members as they come.
func (o ordered) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range o {
		var name, value yaml.Node
		if err := name.Encode(p.name); err != nil {
			return nil, err
		}
		if err := value.Encode(p.is); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &name, &value)
	}
	return node, nil
}

func encodeYAML(b *bytes.Buffer, v any) error {
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return err
	}
	return e.Close()
}
