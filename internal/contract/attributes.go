package contract

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What else a CloudEvent of ours says in its attributes; docs/cloudevents.md explains each.

// describe adds the attributes that the versions before those of a sequence did not know.
func describe(h Header, c campaign.Campaign, e campaign.Event, body proto.Message) {
	h["ce-dataschema"] = []string{schemaOf(body)}
	h["ce-partitionkey"] = []string{c.Key.String()}
	h[attributeSequence] = []string{fmt.Sprintf("%010d", e.Sequence)}
	if c.Trace != "" {
		// The same for those who read attributes only.
		h["ce-traceparent"] = []string{c.Trace}
		if c.TraceState != "" {
			h["tracestate"], h["ce-tracestate"] = []string{c.TraceState}, []string{attribute(c.TraceState)}
		}
	}
	for name, value := range c.Request.Labels {
		h[labelPrefix+name] = []string{attribute(value)}
	}
}

// attributeSequence orders the events of one campaign. It is written with leading zeros,
// because the extension wants text that is in order as text.
const attributeSequence = "ce-sequence"

// sequenceOf reads what attributeSequence says; 0: it says nothing.
func sequenceOf(h Header) int {
	n, err := strconv.Atoi(HeaderOf(h, attributeSequence))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// labelPrefix and a label's name are an attribute of at most the 20 characters that
// CloudEvents recommends. With it no label is ever taken for another attribute.
const labelPrefix = "ce-label"

// schemaOf is where the schema of a message is explained. It is another place for another
// version of the contract.
func schemaOf(m proto.Message) string {
	return "https://github.com/staffetta-io/staffetta/blob/main/proto/" + m.ProtoReflect().Descriptor().ParentFile().Path()
}

// attribute is a text as the value of an attribute's header. The binding of CloudEvents to
// NATS wants everything but visible ASCII, and the quote and the percent sign, as percent
// signs and the bytes of UTF-8.
func attribute(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
