package main

import (
	"fmt"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
)

const written = "<!-- written by: make generate -->\n"

// page is one page of the reference in the making. The first fault stays.
type page struct {
	strings.Builder
	wrong error
	told  map[protoreflect.FullName]bool // messages inside others, and enums, that are there
}

func newPage(title, about string) *page {
	p := &page{told: map[protoreflect.FullName]bool{}}
	p.line("%s# %s\n\n%s", written, title, about)
	return p
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) bytes() ([]byte, error) { return []byte(p.String()), p.wrong }

// comment is what the contract says, as Markdown.
func (p *page) comment(d protoreflect.Descriptor) string {
	about, err := contract.Comment(d)
	if err != nil && p.wrong == nil {
		p.wrong = err
	}
	return markdown(unwrapped(about))
}

var escapes = strings.NewReplacer("<", "\\<", "|", "\\|", "*", "\\*")

// markdown is text with nothing in it that Markdown would take for its own.
func markdown(text string) string { return escapes.Replace(text) }

// message writes about a message, its fields, and what they are made of.
func (p *page) message(m protoreflect.MessageDescriptor, subject string) {
	p.line("\n## %s\n\n%s", nameIn(m), p.comment(m))
	if subject != "" {
		p.line("\nSubject `%s` · schema [%s](../../schemas/%s)", subject, fileOf(m), fileOf(m))
	}
	p.fields(m)
	p.inside(m)
}

func (p *page) fields(m protoreflect.MessageDescriptor) {
	p.line("\n| field | type | rule | meaning |\n|---|---|---|---|")
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		r, err := rulesOf(f)
		if err != nil && p.wrong == nil {
			p.wrong = err
		}
		if err != nil {
			return
		}
		p.line("| `%s` | %s | %s | %s |", f.Name(), typeOf(f), ruleOf(f, r), strings.ReplaceAll(p.comment(f), "\n\n", "<br>"))
	}
}

// ruleOf is what a field may be, in words.
func ruleOf(f protoreflect.FieldDescriptor, r *rules) string {
	said := strings.ReplaceAll(r.inWords(), "|", "\\|")
	one := f.ContainingOneof()
	among := func(required bool, all []protoreflect.FieldDescriptor) {
		var names []string
		for _, its := range all {
			names = append(names, "`"+string(its.Name())+"`")
		}
		most := "at most"
		if required {
			most = "exactly"
		}
		said = strings.TrimSuffix(most+" one of "+strings.Join(names, ", ")+"; "+said, "; ")
	}
	sets, err := choicesOf(f.ContainingMessage())
	if err != nil {
		return err.Error() // the schema of the message has failed for it
	}
	for _, set := range sets {
		if slices.Contains(set.fields, f) {
			among(set.required, set.fields)
		}
	}
	switch {
	case one != nil && !one.IsSynthetic():
		var fields []protoreflect.FieldDescriptor
		for i := range one.Fields().Len() {
			fields = append(fields, one.Fields().Get(i))
		}
		among(proto.GetExtension(one.Options(), validate.E_Oneof).(*validate.OneofRules).GetRequired(), fields)
	case r.mustBeGiven(f):
		said = strings.TrimSuffix("**needed**; "+said, "; ")
	}
	return said
}

// typeOf is a field's type, with a link to what is explained on its page.
func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map of " + typeOf(f.MapKey()) + " to " + typeOf(f.MapValue())
	case f.IsList():
		return "list of " + kindOf(f)
	}
	return kindOf(f)
}

func kindOf(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		if f.Message().ParentFile().Package() != f.ParentFile().Package() {
			return string(f.Message().Name())
		}
		if f.Message() == requested() {
			return "[CampaignRequested](request.md#campaignrequested)"
		}
		return link(nameIn(f.Message()))
	case protoreflect.EnumKind:
		return link(nameIn(f.Enum()))
	}
	return f.Kind().String()
}

func link(name string) string {
	return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(strings.ReplaceAll(name, ".", "")))
}

// nameIn is a name without its package.
func nameIn(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
}

// inside writes about the messages and enums of the fields of a message, each once.
func (p *page) inside(m protoreflect.MessageDescriptor) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if e := f.Enum(); e != nil && !p.told[e.FullName()] {
			p.told[e.FullName()] = true
			p.line("\n### %s\n\n%s\n\n| value | meaning |\n|---|---|", nameIn(e), p.comment(e))
			for n := range e.Values().Len() {
				v := e.Values().Get(n)
				p.line("| `%s` | %s |", v.Name(), p.comment(v))
			}
		}
		its := f.Message()
		if its == nil || f.IsMap() || its.ParentFile().Package() != m.ParentFile().Package() || its == requested() || p.told[its.FullName()] {
			continue
		}
		p.told[its.FullName()] = true
		p.line("\n### %s\n\n%s", nameIn(its), p.comment(its))
		p.fields(its)
		p.inside(its)
	}
}

// subjects are where each message goes, by its name in the document.
func subjects() map[string]string {
	all := map[string]string{}
	for _, c := range channels() {
		all[c.message] = forPeople(c.address)
	}
	return all
}

// forPeople is an address as the other pages write it.
func forPeople(address string) string {
	return strings.NewReplacer("{source}", "<source>", "{request_id}", "<request id>", "{actor}", "<actor>", "{sha256}", "<sha256>", "{chunk}", "<n>", "{name}", "<name>", "{version}", "<version>", "{scope}", "<source or @all>", "{n}", "<n>").Replace(address)
}

func requestPage() ([]byte, error) {
	p := newPage("The request", "What a backend publishes to have one campaign sent: the only message that it needs. And, where the people are others each time, what it publishes whenever they have changed.")
	p.message(requested(), subjects()["CampaignRequested"])
	p.message(version(), subjects()[string(version().Name())])
	p.headers("Headers", "All may be left out.", requestHeaders)
	return p.bytes()
}

func eventsPage() ([]byte, error) {
	p := newPage("Events", "What the service tells: what became of a campaign, and what became of a standing order. Figures of the gateway are the gateway's. Later versions add fields: pass over what you do not know.")
	list := append(events(), answers()...)
	p.contents(list)
	for _, e := range list {
		p.message(e.message, subjects()[string(e.message.Name())])
	}
	p.headers("Headers of events", "Each event is a CloudEvent in binary mode. CloudEvents calls names insensitive: the server keeps their case.", eventHeaders)
	return p.bytes()
}

func ordersPage() ([]byte, error) {
	p := newPage("Commands and standing orders", "What people tell a campaign, in JSON; and what they lay down beyond a single one, in JSON or in protobuf. Who may: [security.md](../security.md). A command or an order that is refused becomes a dead letter.")
	p.line("\n## Commands to a campaign\n\n| verb | fields | schema |\n|---|---|---|")
	for _, verb := range contract.Verbs() {
		s, err := commandSchema(verb)
		if err != nil {
			return nil, err
		}
		p.line("| `%s` | %s | [command.%s.json](../../schemas/command.%s.json) |", verb, fieldsOf(s.PropertyOrder, s.Required), verb, verb)
	}
	p.line("\n| field | meaning |\n|---|---|")
	for _, name := range []string{"by", "why", "sent", "quote_id", "n", "people", "size", "phones"} {
		p.line("| `%s` | %s |", name, about[name])
	}
	p.line("\nSubject `%s`; bold fields are needed.\n\n# Standing orders", forPeople("campaign.v1.command.{source}.{request_id}.<verb>.{actor}"))
	p.contents(orders())
	for _, o := range orders() {
		p.message(o.message, subjects()[string(o.message.Name())])
	}
	return p.bytes()
}

func fieldsOf(names, needed []string) string {
	var all []string
	for _, name := range names {
		text := "`" + name + "`"
		for _, n := range needed {
			if n == name {
				text = "**" + text + "**"
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// contents is the list of what is on a page, with the first sentence of each.
func (p *page) contents(all []told) {
	p.line("\n| message | last words of its subject | |\n|---|---|---|")
	for _, m := range all {
		first, _, _ := strings.Cut(strings.ReplaceAll(p.comment(m.message), "\n", " "), ". ")
		p.line("| %s | `%s` | %s |", link(nameIn(m.message)), m.kind, strings.TrimSuffix(first, ".")+".")
	}
}

func (p *page) headers(title, about string, all []header) {
	p.line("\n## %s\n\n%s\n\n| header | always | meaning |\n|---|---|---|", title, about)
	for _, h := range all {
		always, is := "", ""
		if h.always {
			always = "yes"
		}
		if h.is != "" {
			is = "`" + h.is + "`. "
		}
		p.line("| `%s` | %s | %s%s |", h.name, always, is, markdown(h.means))
	}
}

// indexPage is the first page.
func indexPage() ([]byte, error) {
	p := newPage("Reference", `Everything that goes over NATS between Staffetta and others, written from its source. To begin with: publish a [request](request.md), read [events](events.md).

| | for people | for programs |
|---|---|---|
| what you ask for | [request.md](request.md) | [CampaignRequested](../../schemas/`+fileOf(requested())+`) |
| what you are told | [events.md](events.md) | [JSON Schemas](../../schemas), [.proto files](../../proto/staffetta/campaign/v1) |
| what people tell a campaign, or lay down | [orders.md](orders.md) | the same |
| what you ask about | [query.md](../query.md) | [JSON Schemas](../../schemas) |
| all of it | this page | [asyncapi.yaml](../../schemas/asyncapi.yaml), AsyncAPI 3.1 |
| the streams | [below](#streams), [deploy.md](../deploy.md#nats) | [nats commands](../../deploy/nats/streams.sh), [NACK](../../deploy/nack) |
| from Python, Java, TypeScript | [languages.md](../languages.md) | [examples/languages](../../examples/languages) |

Everything here is there since version 0.1.0; what is added later says so. What may change, and what never does: [releases.md](../releases.md#what-a-version-promises).

## Subjects

| subject | message | stream |
|---|---|---|`)
	for _, c := range channels() {
		stream := "none: asked and answered"
		if c.stream != "" {
			stream = "`" + c.stream + "`"
		}
		p.line("| `%s` | %s | %s |", forPeople(c.address), c.message, stream)
	}
	p.line(`
Every word between points is 1 to 64 letters, digits, _ or -; the words with @ are no source and no request id.

## Values

| type | in JSON | unit |
|---|---|---|
| Money | amount as text, and currency | units of the currency, not cents; a decimal, never floating point |
| Timestamp | "2026-11-27T09:00:00Z" | an instant, told in UTC |
| Duration | "3600s" | seconds, with up to nine decimals |
| int64, uint64 | text, "1542"; a number is read too | as the field says |
| enum | its name | |
| a field that is left out | | has the type's zero value: "", 0, false |

JSON has the names of the fields in camelCase (requestId); the service reads those of the .proto files too. The schemas have protobuf's own spelling, and refuse a misspelt field of a request as the service does. They are JSON Schema draft 7, and do not check which years an instant may have, nor the most that a duration may be: formatMinimum and x-at-most say it.

## Dead letters

A message that nobody could act on, whole, with its own headers (those that begin with Nats- or Staffetta- under Staffetta-Original-…) and these. The reasons: [operations.md](../operations.md#dead-letters).`)
	p.headers("Headers of dead letters", "", letterHeaders)
	p.line("\n## Streams\n\n| stream | subjects | settings |\n|---|---|---|")
	for _, cfg := range everyStream() {
		all, err := settingsOf(cfg)
		if err != nil {
			return nil, err
		}
		var said []string
		for _, s := range all {
			if s.name != "description" {
				said = append(said, fmt.Sprintf("%s %v", s.name, s.is))
			}
		}
		p.line("| `%s` | `%s` | %s |", cfg.Name, strings.Join(cfg.Subjects, "`, `"), strings.Join(said, ", "))
	}
	p.line("\n## Questions\n\n| subject | what | question | answer |\n|---|---|---|---|")
	for _, q := range query.Questions() {
		name := "staffetta.query." + q.Verb
		p.line("| `%s` | %s | [schema](../../schemas/%s.question.json) | [schema](../../schemas/%s.answer.json) |", name, q.About, name, name)
	}
	return p.bytes()
}
