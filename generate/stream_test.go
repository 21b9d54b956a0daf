package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// startServer starts a NATS server with JetStream, and connects as the service does.
func startServer(t *testing.T) (*server.Server, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	nc, err := streams.Connect(streams.Server{URL: s.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := streams.JetStream(nc)
	if err != nil {
		t.Fatal(err)
	}
	return s, nc, js
}

// serve opens everything as a service does that has schedules, budgets, a rate to share and people
// to tell apart.
func serve(t *testing.T, nc *nats.Conn, js jetstream.JetStream) {
	t.Helper()
	j, err := journal.Open(t.Context(), nc, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	if _, err := j.Schedules(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := journal.OpenBudgets(t.Context(), streams.Access{JS: js}, 1); err != nil {
		t.Error(err)
	}
	if _, err := journal.OpenRate(t.Context(), nc, "default", 1); err != nil {
		t.Error(err)
	}
	if _, err := j.HashKey(t.Context()); err != nil {
		t.Error(err)
	}
}

// made are the streams of a server as it reports them, without what every one has of its
// own: the id of the installation, the server's own marks, the clock of who made it.
func made(t *testing.T, js jetstream.JetStream) map[string]jetstream.StreamConfig {
	t.Helper()
	all := map[string]jetstream.StreamConfig{}
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		cfg := info.Config
		for name := range cfg.Metadata {
			if strings.HasPrefix(name, "_nats.") {
				delete(cfg.Metadata, name)
			}
		}
		if cfg.Metadata[streams.MetaInstallation] == "" && cfg.Name != streams.Rate {
			t.Errorf("%s bears no id of an installation", cfg.Name)
		}
		delete(cfg.Metadata, streams.MetaInstallation)
		if cfg.Name == streams.Rate {
			if cfg.FirstSeq < uint64(time.Now().Add(-time.Hour).UnixMicro()) {
				t.Errorf("%s begins with %d, want the clock", cfg.Name, cfg.FirstSeq)
			}
			cfg.FirstSeq, cfg.Metadata = 0, nil
		}
		all[cfg.Name] = cfg
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return all
}

// byTheService are the streams that a service makes itself.
func byTheService(t *testing.T) map[string]jetstream.StreamConfig {
	t.Helper()
	_, nc, js := startServer(t)
	serve(t, nc, js)
	return made(t, js)
}

// The commands of the script are run by the real command line against a real server: what
// they make is what a service makes, which takes it for its own and makes nothing beside it.
func TestTheScriptMakesWhatTheServiceMakes(t *testing.T) {
	t.Parallel()
	tools, err := filepath.Abs(filepath.Join(root, ".tmp/bin"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tools, "nats")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the nats command line is not there: make .tmp/bin/nats")
		}
		t.Skip("skipped: the script that makes streams; make .tmp/bin/nats builds the command line that it is for")
	}
	s, nc, js := startServer(t)
	for _, want := range []string{"is made", "is there"} { // the second time nothing is left to do
		run := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "deploy/nats/streams.sh"))
		run.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "NATS_URL="+s.ClientURL(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if n := strings.Count(string(out), want); n != len(everyStream()) {
			t.Errorf("of %d streams %d: %s\n%s", len(everyStream()), n, want, out)
		}
	}
	byHand := made(t, js)
	if diff := cmp.Diff(byTheService(t), byHand); diff != "" {
		t.Errorf("by the service and by hand (-service +script):\n%s", diff)
	}
	serve(t, nc, js)
	if diff := cmp.Diff(byHand, made(t, js)); diff != "" {
		t.Errorf("the service has changed or added something:\n%s", diff)
	}
}

// documents are the resources of a file, in JSON's terms.
func documents(t *testing.T, file string) (all []map[string]any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var one map[string]any
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

// resourceSchema is what NACK says of a kind of resource. It is closed here: Kubernetes
// drops a field that is not in it, without a word.
func resourceSchema(t *testing.T, plural string) *jsonschema.Schema {
	t.Helper()
	definition := documents(t, "generate/testdata/nack/"+plural+".yaml")[0]
	for _, v := range definition["spec"].(map[string]any)["versions"].([]any) {
		version := v.(map[string]any)
		if "jetstream.nats.io/"+version["name"].(string) != nackAPI {
			continue
		}
		schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		spec := schema["properties"].(map[string]any)["spec"].(map[string]any)
		spec["additionalProperties"] = false
		for _, p := range spec["properties"].(map[string]any) {
			delete(p.(map[string]any), "minLength") // of a list, which means nothing
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("nack.json", spec); err != nil {
			t.Fatal(err)
		}
		return c.MustCompile("nack.json")
	}
	t.Fatalf("NACK has no %s of %s", plural, nackAPI)
	return nil
}

// specOf is what a resource says, read as NACK reads it.
func specOf(t *testing.T, resource map[string]any, kind string, schema *jsonschema.Schema, into any) {
	t.Helper()
	if resource["apiVersion"] != nackAPI || resource["kind"] != kind {
		t.Errorf("a %v of %v, want a %s of %s", resource["kind"], resource["apiVersion"], kind, nackAPI)
	}
	if err := schema.Validate(resource["spec"]); err != nil {
		t.Errorf("%v: %v", resource["metadata"], err)
	}
	data, err := yaml.Marshal(resource["spec"])
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// The streams of the manifests, made as NACK makes them, are what a service makes, which
// takes them for its own.
func TestTheManifestsMakeWhatTheServiceMakes(t *testing.T) {
	t.Parallel()
	_, nc, js := startServer(t)
	schema := resourceSchema(t, "streams")
	for _, resource := range documents(t, "deploy/nack/streams.yaml") {
		var spec struct {
			Name, Description, Retention, Storage, Discard string
			Subjects                                       []string
			MaxMsgsPerSubject                              int64         `yaml:"maxMsgsPerSubject"`
			PerSubject                                     bool          `yaml:"discardPerSubject"`
			MaxMsgSize                                     int32         `yaml:"maxMsgSize"`
			MaxAge                                         time.Duration `yaml:"maxAge"`
			DuplicateWindow                                time.Duration `yaml:"duplicateWindow"`
			Replicas                                       int
			Metadata                                       map[string]string
			AllowMsgTTL                                    bool `yaml:"allowMsgTtl"`
			AllowMsgSchedules                              bool `yaml:"allowMsgSchedules"`
			Rollup                                         bool `yaml:"allowRollup"`
			NoDelete                                       bool `yaml:"denyDelete"`
			NoPurge                                        bool `yaml:"denyPurge"`
			Direct                                         bool `yaml:"allowDirect"`
			PreventDelete                                  bool `yaml:"preventDelete"`
			PreventUpdate                                  bool `yaml:"preventUpdate"`
		}
		specOf(t, resource, "Stream", schema, &spec)
		if !spec.PreventDelete || !spec.PreventUpdate {
			t.Errorf("NACK may delete or change %s", spec.Name)
		}
		if spec.Retention != "limits" || spec.Storage != "file" {
			t.Errorf("%s has retention %q and storage %q", spec.Name, spec.Retention, spec.Storage)
		}
		discard := map[string]jetstream.DiscardPolicy{"old": jetstream.DiscardOld, "new": jetstream.DiscardNew}
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: spec.Name, Description: spec.Description, Subjects: spec.Subjects, Discard: discard[spec.Discard],
			MaxMsgsPerSubject: spec.MaxMsgsPerSubject, MaxMsgSize: spec.MaxMsgSize, MaxAge: spec.MaxAge, Duplicates: spec.DuplicateWindow,
			AllowRollup: spec.Rollup, DenyDelete: spec.NoDelete, DenyPurge: spec.NoPurge, DiscardNewPerSubject: spec.PerSubject, AllowDirect: spec.Direct,
			AllowMsgTTL: spec.AllowMsgTTL, AllowMsgSchedules: spec.AllowMsgSchedules, Replicas: spec.Replicas, Metadata: spec.Metadata,
		}); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, nc, js) // which makes the stream that the manifests leave to it
	if diff := cmp.Diff(byTheService(t), made(t, js)); diff != "" {
		t.Errorf("by the service and by NACK (-service +NACK):\n%s", diff)
	}
}

// The consumers of the manifests are those that staffetta access consumers makes.
func TestTheManifestsHaveTheReaders(t *testing.T) {
	t.Parallel()
	_, nc, js := startServer(t)
	serve(t, nc, js)
	data, err := os.ReadFile(filepath.Join(root, tableOfAccess))
	if err != nil {
		t.Fatal(err)
	}
	table, err := access.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	schema := resourceSchema(t, "consumers")
	resources := documents(t, "deploy/nack/consumers.yaml")
	if len(resources) != len(table.Consumers()) || len(resources) == 0 {
		t.Fatalf("%d manifests of %d consumers", len(resources), len(table.Consumers()))
	}
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range table.Consumers() {
		if _, err := c.MakeConsumer(t.Context(), want.Name, want.Filter); err != nil {
			t.Fatal(err)
		}
		have, err := js.Consumer(t.Context(), streams.Events, want.Name)
		if err != nil {
			t.Fatal(err)
		}
		var spec struct {
			StreamName    string        `yaml:"streamName"`
			DurableName   string        `yaml:"durableName"`
			Description   string        `yaml:"description"`
			FilterSubject string        `yaml:"filterSubject"`
			DeliverPolicy string        `yaml:"deliverPolicy"`
			ReplayPolicy  string        `yaml:"replayPolicy"`
			AckPolicy     string        `yaml:"ackPolicy"`
			AckWait       time.Duration `yaml:"ackWait"`
			MaxDeliver    int           `yaml:"maxDeliver"`
			PreventDelete bool          `yaml:"preventDelete"`
			PreventUpdate bool          `yaml:"preventUpdate"`
		}
		specOf(t, resources[i], "Consumer", schema, &spec)
		is := have.CachedInfo().Config
		type consumer struct {
			stream, name, description, filter, deliver, replay, ack string
			wait                                                    time.Duration
			most                                                    int
		}
		if is := (consumer{streams.Events, is.Durable, is.Description, is.FilterSubject, is.DeliverPolicy.String(), is.ReplayPolicy.String(), strings.ToLower(strings.TrimPrefix(is.AckPolicy.String(), "Ack")), is.AckWait, is.MaxDeliver}); is != (consumer{
			spec.StreamName, spec.DurableName, spec.Description, spec.FilterSubject, spec.DeliverPolicy, spec.ReplayPolicy, spec.AckPolicy, spec.AckWait, spec.MaxDeliver}) {
			t.Errorf("the command line makes %+v, NACK %+v", is, spec)
		}
	}
}
