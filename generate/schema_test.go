package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// compiled is a schema as it lies in the repository, read by a library that is not the
// one that wrote it. Formats count.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join(root, "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fits(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return s.Validate(v)
}

// kept are all messages that are kept as they were once written, by their file: one of
// each kind, and what versions of the service have told.
func kept(t *testing.T) map[string]proto.Message {
	t.Helper()
	all := map[string]proto.Message{}
	find := func(pattern string, of func(data []byte) (name protoreflect.FullName, body []byte, read func([]byte, proto.Message) error)) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("nothing lies in %s: %v", pattern, err)
		}
		for _, file := range found {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, body, read := of(data)
			if name == "" {
				name = nameOf(file)
			}
			kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			m := kind.New().Interface()
			if err := read(body, m); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[file] = m
		}
	}
	find("internal/contract/testdata/*.json", func(data []byte) (protoreflect.FullName, []byte, func([]byte, proto.Message) error) {
		return "", data, protojson.Unmarshal
	})
	find("internal/journal/testdata/events/*/*.json", func(data []byte) (protoreflect.FullName, []byte, func([]byte, proto.Message) error) {
		var stored struct {
			Header map[string][]string
			Data   []byte
		}
		if err := json.Unmarshal(data, &stored); err != nil {
			t.Fatal(err)
		}
		return protoreflect.FullName(stored.Header["ce-type"][0]), stored.Data, proto.Unmarshal
	})
	return all
}

// nameOf is the message of a golden file: campaign_stats.json has a CampaignStats, and so
// has campaign_stats_of_a_kind.json.
func nameOf(file string) (found protoreflect.FullName) {
	name := protoreflect.FullName("staffetta.campaign.v1.")
	for word := range strings.SplitSeq(strings.TrimSuffix(filepath.Base(file), ".json"), "_") {
		name += protoreflect.FullName(strings.ToUpper(word[:1]) + word[1:])
		if _, err := protoregistry.GlobalTypes.FindMessageByName(name); err == nil {
			found = name
		}
	}
	return found
}

func inJSON(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Everything that was ever told or asked fits its schema.
func TestWhatIsKeptFitsItsSchema(t *testing.T) {
	t.Parallel()
	for file, m := range kept(t) {
		if err := fits(t, compiled(t, fileOf(m.ProtoReflect().Descriptor())), inJSON(t, m)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// strange are values that somebody may write into any field.
var strange = []string{
	`""`, `"x"`, `"Shop Italia"`, `"shop-italia"`, `"ShopItalia12"`, `"+39333"`, `"+393331234567"`, `"-1"`, `"0"`, `"1"`, `"87"`, `"344.09"`, `"1e3"`, `"EUR"`, `"eur"`,
	`"a\u0000b"`, `"a\u202eb"`, `"a\u0085b"`, `"a\nb"`, `"0123456789abcdef"`, `"0123456789ABCDEF"`, `"09:00"`, `"25h"`, `"9:00"`, `"skip"`, `"queue"`, `"2026-11-27T09:00:00Z"`, `"2026-11-27"`, `"1s"`, `"0s"`, `"0.5s"`, `"-1s"`, `"1h"`,
	`"ON_LIMIT_UNSPECIFIED"`, `"ON_LIMIT_ASK"`, `"ON_LIMIT_WAIT"`, `"ON_LIMIT_NONE"`, `"REASON_EXPIRED"`, `"REASON_UNSPECIFIED"`, `"STATUS_SENDING"`,
	`-1`, `0`, `1`, `10`, `11`, `600`, `3000000000`, `1.5`, `true`, `false`, `{}`, `[]`, `["x"]`, `{"x":"y"}`,
	`{"amount":"10","currency":"EUR"}`, `{"amount":"0.00","currency":"EUR"}`, `{"amount":"-1","currency":"EUR"}`, `{"amount":"007","currency":"EUR"}`, `{"amount":"7","currency":"eur"}`, `{"amount":"7"}`,
	`"268435456"`, `"268435457"`, `268435456`, `268435457`, `"999999999"`, `{"sha256":"` + strings.Repeat("0f", 32) + `","size":"268435457","chunks":1}`,
	`{"sha256":"` + strings.Repeat("0f", 32) + `","size":"268435456","chunks":10000}`, `{"sha256":"0f","size":1,"chunks":1}`, `{"team":"` + strings.Repeat("x", 64) + `"}`, `{"Team":"x"}`, `{"team":""}`,
	`[{"phoneNumber":"+393331234567","fields":{"code":"BF"}}]`, `[{"phoneNumber":""}]`, `[{"phoneNumber":"1","fields":{"first name":"x"}}]`, `[` + strings.Repeat(`{"phoneNumber":"1"},`, 1000) + `{"phoneNumber":"1"}]`,
	`{"amount":{"amount":"1","currency":"EUR"}}`, `{"none":true}`, `{"none":false}`, `{"none":true,"amount":{"amount":"1","currency":"EUR"}}`,
	`"` + strings.Repeat("a", 64) + `"`, `"` + strings.Repeat("a", 65) + `"`, `"` + strings.Repeat("è", 200) + `"`, `"` + strings.Repeat("è", 201) + `"`,
	`"` + strings.Repeat("è", 1000) + `"`, `"` + strings.Repeat("è", 1001) + `"`, `"` + strings.Repeat("è", 1530) + `"`, `"` + strings.Repeat("è", 1531) + `"`,
}

// A schema accepts and refuses what the service does: each message with one field left
// out, and with each strange value in each field, is judged by both.
func TestASchemaJudgesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	rules, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(root, "internal/contract/testdata/*.json"))
	if err != nil || len(found) == 0 {
		t.Fatal("there are no messages", err)
	}
	for _, file := range found {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			kind, err := protoregistry.GlobalTypes.FindMessageByName(nameOf(file))
			if err != nil {
				t.Fatal(err)
			}
			schema := compiled(t, fileOf(kind.Descriptor()))
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// What the service tells, a reader of an earlier version reads without the
			// fields that it does not know.
			read := protojson.UnmarshalOptions{DiscardUnknown: !isSent(kind.Descriptor())}
			judged, refused := 0, 0
			judge := func(what string, fields map[string]json.RawMessage) {
				data, err := json.Marshal(fields)
				if err != nil {
					t.Fatal(err)
				}
				m := kind.New().Interface()
				service := read.Unmarshal(data, m)
				if service == nil {
					service = rules.Validate(m)
				}
				judged++
				if service != nil {
					refused++
				}
				if said := fits(t, schema, data); (said == nil) != (service == nil) {
					t.Errorf("%s: the service says %v, the schema says %v", what, service, said)
				}
			}
			for i := range kind.Descriptor().Fields().Len() {
				f := kind.Descriptor().Fields().Get(i)
				with := func(value string) map[string]json.RawMessage {
					fields := map[string]json.RawMessage{}
					if err := json.Unmarshal(data, &fields); err != nil {
						t.Fatal(err)
					}
					delete(fields, f.JSONName())
					if value != "" {
						fields[f.JSONName()] = json.RawMessage(value)
					}
					return fields
				}
				judge("without "+f.JSONName(), with(""))
				for _, value := range strange {
					if !lenient(f, value) {
						judge(fmt.Sprintf("%s: %.60s", f.JSONName(), value), with(value))
					}
				}
			}
			if refused == 0 || refused == judged {
				t.Errorf("of %d messages the service refuses %d: nothing is compared", judged, refused)
			}
		})
	}
}

// lenient is a spelling that the service reads beside protobuf's own: a number of 32 bits
// as text, an enum by its number, a number with an exponent. Schemas have protobuf's own.
func lenient(f protoreflect.FieldDescriptor, value string) bool {
	text := strings.HasPrefix(value, `"`)
	switch f.Kind() {
	case protoreflect.Int32Kind:
		return text
	case protoreflect.EnumKind:
		return !text
	case protoreflect.Int64Kind, protoreflect.Uint64Kind:
		return value == `"1e3"`
	}
	return false
}

// isSent says that people send the message, not the service.
func isSent(m protoreflect.MessageDescriptor) bool {
	return m == requested() || m == version() || slices.ContainsFunc(orders(), func(o told) bool { return o.message == m })
}

// What nobody may send has a name that a schema refuses as well.
func TestASchemaRefusesAMisspeltField(t *testing.T) {
	t.Parallel()
	for _, m := range append(orders(), told{message: requested()}, told{message: version()}) {
		s := compiled(t, fileOf(m.message))
		if err := fits(t, s, []byte(`{"misspelt":1}`)); err == nil || !strings.Contains(err.Error(), "misspelt") {
			t.Errorf("%s lets a misspelt field pass: %v", m.message.Name(), err)
		}
	}
}
