package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Fault is what is wrong with one field of a request.
type Fault struct {
	Field string // as the sender wrote it; empty: none in particular
	Note  string
}

// Error names the field, if there is one, and what is wrong with it.
func (f *Fault) Error() string {
	if f.Field == "" {
		return f.Note
	}
	return f.Field + ": " + f.Note
}

// ReadJSON reads a request in JSON. A misspelt field is refused, not ignored:
// it would change what is sent. The error is a *Fault, in our own words: those of
// a parser name neither the form that is wanted nor the remedy. A byte order mark
// is passed over, as RFC 8259 section 8.1 allows.
func ReadJSON(data []byte, m *campaignv1.CampaignRequested) error { return readJSON(data, m) }

func readJSON(data []byte, m proto.Message) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	err := protojson.Unmarshal(data, m)
	if err == nil {
		return nil
	}
	if !json.Valid(data) {
		return &Fault{Note: brokenOff(data)}
	}
	path := memberAt(data, err)
	return &Fault{strings.Join(path, "."), wrongMember(m.ProtoReflect().Descriptor(), data, path)}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// brokenOff says where bytes cease to be JSON.
func brokenOff(data []byte) string {
	var broken *json.SyntaxError
	if !errors.As(json.Unmarshal(data, new(any)), &broken) {
		return "it is no JSON"
	}
	before := data[:max(0, min(broken.Offset-1, int64(len(data))))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "it is empty: want a JSON object"
	case !utf8.Valid(data):
		return fmt.Sprintf("it is no JSON, and not UTF-8, as JSON must be: it goes wrong at line %d, column %d", line, column)
	case errors.Is(json.NewDecoder(bytes.NewReader(data)).Decode(new(any)), io.ErrUnexpectedEOF):
		return fmt.Sprintf("it is no JSON: it breaks off at line %d, column %d", line, column)
	}
	return fmt.Sprintf("it is no JSON: it goes wrong at line %d, column %d", line, column)
}

// position is where protojson found the fault: line and column, from 1.
var position = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

// memberAt is the path of the member at which reading ended: protojson names it
// in some of its errors, and says where it is in all of them.
func memberAt(data []byte, err error) []string {
	at := position.FindStringSubmatch(err.Error())
	if at == nil {
		return nil
	}
	line, _ := strconv.Atoi(at[1])
	column, _ := strconv.Atoi(at[2])
	target := 0
	for ; line > 1; line-- {
		target += bytes.IndexByte(data[target:], '\n') + 1
	}
	for ; column > 1 && target < len(data); column-- {
		_, size := utf8.DecodeRune(data[target:])
		target += size
	}

	path, _ := reach(json.NewDecoder(bytes.NewReader(data)), int64(target), nil)
	return path
}

// reach reads one value, and gives the path of the member in which the offset
// was reached, if it was.
func reach(d *json.Decoder, target int64, path []string) ([]string, bool) {
	token, _ := d.Token() // it is valid JSON
	if d.InputOffset() > target {
		return path, true
	}
	opened, opens := token.(json.Delim)
	if !opens {
		return nil, false
	}
	for d.More() {
		inside := path
		if opened == '{' {
			name, _ := d.Token()
			inside = append(slices.Clip(path), name.(string))
			if d.InputOffset() > target {
				return inside, true
			}
		}
		if found, ok := reach(d, target, inside); ok {
			return found, true
		}
	}
	//lint:ignore errcheck what closes it: it is valid JSON
	d.Token()
	return nil, false
}

// whom is the fault of a request that does not say to whom, or says it twice. A rule
// about several fields has no path of its own.
const whom = "exactly one of contact_list_id, recipients, audience and named_audience must be given"

// Faults are the rules of the contract that a request breaks, in words.
func Faults(broken *protovalidate.ValidationError) []Fault {
	var faults, beside []Fault
	for _, v := range broken.Violations {
		f := Fault{protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetMessage()}
		if v.Proto.GetRuleId() == "message.oneof" {
			beside = append(beside, Fault{"contact_list_id", whom})
			continue
		}
		// For this one rule the contract cannot have words of its own.
		one := (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor().Oneofs().ByName(protoreflect.Name(f.Field))
		if one != nil && v.Proto.GetRuleId() == "required" {
			var names []string
			for i := range one.Fields().Len() {
				names = append(names, string(one.Fields().Get(i).Name()))
			}
			f.Note = "exactly one of " + strings.Join(names, " and ") + " must be given"
		}
		faults = append(faults, f)
	}
	return append(faults, beside...)
}
