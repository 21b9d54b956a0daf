package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// readRequest reads a request from a file, in JSON or in YAML. Beside what the contract
// takes, a file may say what people write: 1h, 300 EUR, tomorrow 08:00 Europe/Rome, ask.
// A field that the contract does not have is a mistake, not an extension: people would
// believe that it has an effect.
func readRequest(t Terminal, file string) (*campaignv1.CampaignRequested, error) {
	var data []byte
	var err error
	switch file {
	case "":
		return nil, usageError{errors.New("no file: give one with -f, or - for the standard input; --example prints one to begin with")}
	case "-":
		file = "standard input"
		data, err = io.ReadAll(t.In)
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usageError{err}
	}
	m, err := parseRequest(data, time.Now())
	if err != nil {
		var all []error
		for line := range strings.Lines(err.Error()) {
			all = append(all, fmt.Errorf("%s: %s", file, strings.TrimSuffix(line, "\n")))
		}
		return nil, usageError{errors.Join(all...)}
	}
	return m, nil
}

// readRequestAs is the same with another source, or under another request id, where one is
// given.
func readRequestAs(t Terminal, file, source, id string) (*campaignv1.CampaignRequested, error) {
	m, err := readRequest(t, file)
	if err != nil {
		return nil, err
	}
	if source != "" {
		m.Source = source
	}
	if id != "" {
		m.RequestId = id
	}
	return m, nil
}

// parseRequest reads a request; an error has a line for each field at fault.
func parseRequest(data []byte, now time.Time) (*campaignv1.CampaignRequested, error) {
	m := new(campaignv1.CampaignRequested)
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var members map[string]any
	isYAML := false
	switch trimmed := bytes.TrimSpace(data); {
	case len(trimmed) == 0:
		return nil, errors.New("it is empty: --example prints a request to begin with")
	case trimmed[0] == '{':
		first := contract.ReadJSON(data, m)
		if first == nil {
			return m, nil
		}
		// What a program wrote is read as the contract says. Only what that refuses
		// may be what a person wrote.
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		value, err := jsonValue(d)
		object, whole := value.(map[string]any)
		if err != nil || !whole || d.More() {
			return nil, first
		}
		members = object
	default:
		isYAML = true
		var err error
		if members, err = yamlMembers(data); err != nil {
			return nil, err
		}
	}
	p := people{now: now, yaml: isYAML}
	p.message("", m.ProtoReflect().Descriptor(), members)
	if len(p.wrong) > 0 {
		return nil, errors.Join(p.wrong...)
	}
	plain, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	m = new(campaignv1.CampaignRequested)
	if err := contract.ReadJSON(plain, m); err != nil {
		return nil, err
	}
	return m, nil
}

// jsonValue reads a value, and refuses a member that is there twice.
func jsonValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := object[name.(string)]; twice {
				return nil, fmt.Errorf("%s is there twice", name)
			}
			if object[name.(string)], err = jsonValue(d); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			one, err := jsonValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// yamlMembers reads a YAML document that is a group of members.
func yamlMembers(data []byte) (map[string]any, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, errors.New("it is neither JSON nor YAML: " + strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("want a group of fields, as source: shop-italia; --example --all prints all of them")
	}
	value, err := yamlValue("", document.Content[0])
	if err != nil {
		return nil, err
	}
	return value.(map[string]any), nil
}

// yamlValue is a value as JSON has it. Text that is neither a number nor true or false
// stays text, instants too.
func yamlValue(path string, n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			at := strings.TrimPrefix(path+"."+name, ".")
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("%s: it is there twice (line %d)", at, n.Content[i].Line)
			}
			var err error
			if object[name], err = yamlValue(at, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return object, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, one := range n.Content {
			value, err := yamlValue(path, one)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!int", "!!float":
			if json.Valid([]byte(n.Value)) { // 0x57 and 1_000 are numbers to YAML alone
				return json.Number(n.Value), nil
			}
		case "!!bool":
			return strings.EqualFold(n.Value, "true"), nil
		case "!!null":
			return nil, nil
		}
		return n.Value, nil
	}
	return nil, fmt.Errorf("%s: write the value itself, not *%s (line %d)", path, n.Value, n.Line)
}

// people translates what people write into what the contract takes.
type people struct {
	now   time.Time
	yaml  bool // what is not quoted may be taken for a number, and is text
	wrong []error
}

func (p *people) refuse(path, format string, args ...any) {
	p.wrong = append(p.wrong, &contract.Fault{Field: path, Note: fmt.Sprintf(format, args...)})
}

// message translates the members of one message, in place. What it does not know it
// leaves for the contract, which names it.
func (p *people) message(path string, m protoreflect.MessageDescriptor, members map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		f := m.Fields().ByJSONName(name)
		if f == nil {
			f = m.Fields().ByName(protoreflect.Name(name))
		}
		if f == nil || f.IsList() {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		if group, isGroup := members[name].(map[string]any); f.IsMap() && isGroup {
			for key, value := range group {
				group[key] = p.value(at+"."+key, f.MapValue(), value)
			}
			continue
		}
		members[name] = p.value(at, f, members[name])
	}
}

func (p *people) value(path string, f protoreflect.FieldDescriptor, value any) any {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	if isNumber {
		text = number.String()
	}
	switch kind := f.Kind(); {
	case kind == protoreflect.StringKind && isNumber && p.yaml:
		return text
	case kind == protoreflect.BoolKind && p.yaml && (text == "yes" || text == "no"):
		return text == "yes"
	case kind == protoreflect.EnumKind && isText:
		return enumName(f.Enum(), text)
	case kind != protoreflect.MessageKind:
		return value
	}
	switch f.Message().FullName() {
	case "google.protobuf.Duration":
		if !isText {
			break
		}
		if days, whole := strings.CutSuffix(text, "d"); whole && !strings.ContainsAny(days, "hms") {
			if d, err := time.ParseDuration(days + "h"); err == nil {
				return protoSeconds(24 * d)
			}
		}
		if d, err := time.ParseDuration(text); err == nil {
			return protoSeconds(d)
		}
		p.refuse(path, "%q is no duration: write 90s, 15m, 1h or 2d", value)
	case "google.protobuf.Timestamp":
		if !isText {
			break
		}
		at, err := moment(text, nil, p.now)
		if err != nil {
			p.refuse(path, "%v", err)
			break
		}
		return at.UTC().Format(time.RFC3339Nano)
	case "staffetta.campaign.v1.Money":
		if group, isGroup := value.(map[string]any); isGroup {
			p.message(path, f.Message(), group)
			break
		}
		if !isText && !isNumber {
			break
		}
		if len(strings.Fields(text)) != 2 {
			p.refuse(path, "%q says no currency: write %s EUR", text, text)
			break
		}
		money, err := campaign.ParseLimit(text)
		if err != nil {
			p.refuse(path, "%v", err)
			break
		}
		return map[string]any{"amount": campaign.Plain(money.Amount), "currency": money.Currency}
	default:
		if group, isGroup := value.(map[string]any); isGroup {
			p.message(path, f.Message(), group)
		}
	}
	return value
}

// protoSeconds is a duration as protobuf writes it in JSON: 3600s.
func protoSeconds(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.9f", d.Seconds()), "0"), ".") + "s"
}

// enumName is the name in the contract for what may be written short: ask for
// ON_LIMIT_ASK. Anything else stays as it is, and the contract says which there are.
func enumName(e protoreflect.EnumDescriptor, short string) string {
	zero := string(e.Values().Get(0).Name())
	prefix := strings.TrimSuffix(zero, "UNSPECIFIED")
	if long := prefix + strings.ToUpper(short); e.Values().ByName(protoreflect.Name(long)) != nil {
		return long
	}
	return short
}
