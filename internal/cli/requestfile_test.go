package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// What people write is read as what the contract means by it, in both formats.
func TestRequestFiles(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var want campaignv1.CampaignRequested
	if err := protojson.Unmarshal([]byte(`{"source": "shop-italia", "requestId": "2026", "text": "Ciao: -30%", "contactListId": "87", "unicode": true,
		"at": "2026-12-01T07:00:00Z", "maxTotal": {"amount": "300.00", "currency": "EUR"}, "onOverMax": "ON_LIMIT_ASK",
		"maxLateness": "5400s", "creditWithin": "172800s", "approvalWithin": "0.500s"}`), &want); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"YAML": `
source: shop-italia
requestId: 2026
text: "Ciao: -30%"
contactListId: 87
unicode: yes
at: tomorrow 08:00 Europe/Rome
maxTotal: 300 EUR
onOverMax: ask
maxLateness: 1h30m
creditWithin: 2d
approvalWithin: 500ms
`,
		"InstantInYAML": `
source: shop-italia
request_id: "2026"
text: 'Ciao: -30%'
contactListId: 87
unicode: true
at: 2026-12-01T08:00:00+01:00
maxTotal: {amount: "300.00", currency: EUR}
onOverMax: ON_LIMIT_ASK
maxLateness: 5400s
creditWithin: 48h
approvalWithin: 500ms
`,
		"JSON": "\ufeff{\t\"source\": \"shop-italia\", \"requestId\": \"2026\", \"text\": \"Ciao: -30%\", \"contactListId\": 87, \"unicode\": true," +
			`"at": "tomorrow 08:00 Europe/Rome", "maxTotal": "300 EUR", "onOverMax": "ask", "maxLateness": "1h30m", "creditWithin": "2d", "approvalWithin": "500ms"}`,
	} {
		got, err := parseRequest([]byte(file), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !proto.Equal(got, &want) {
			t.Errorf("%s: %v\nwant %v", name, got, &want)
		}
	}
}

// An error names the field and the form that is wanted, in our own words.
func TestErrorsOfRequestFiles(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for file, want := range map[string]string{
		``:                                    "it is empty",
		"shop-italia":                         "want a group of fields, as source: shop-italia",
		"- a":                                 "want a group of fields",
		"a: b: c":                             "it is neither JSON nor YAML: ",
		`{"source": "a"`:                      "it is no JSON: it breaks off at line 1",
		`{"source": "a", "source": "b"}`:      "source: it is there twice",
		"source: a\nsource: b":                "source: it is there twice (line 2)",
		"source: &x a\ntext: *x":              "text: write the value itself, not *x",
		"requestid: x":                        `requestid: there is no such field, did you mean "requestId"? There are source, `,
		`{"max_totl": "300 EUR"}`:             `max_totl: there is no such field, did you mean `,
		`{"maxTotal": "300"}`:                 `maxTotal: "300" says no currency: write 300 EUR`,
		"maxTotal: 300":                       `maxTotal: "300" says no currency: write 300 EUR`,
		"maxTotal: 300 Euro":                  "maxTotal: Euro is no currency: write EUR",
		"maxTotal: {amount: 300, curency: E}": `maxTotal.curency: there is no such field, did you mean "currency"?`,
		`{"maxLateness": "soon"}`:             `maxLateness: "soon" is no duration: write 90s, 15m, 1h or 2d`,
		`{"at": "tomorrow 9am"}`:              `at: "tomorrow 9am": "9am" is no time of day: write 08:00`,
		"at: tomorrow 08:00":                  `at: "tomorrow 08:00" says no time zone: write tomorrow 08:00 Europe/Rome`,
		"at: 2026-03-29 02:30 Europe/Rome":    "at: \"2026-03-29 02:30 Europe/Rome\": the clocks of Europe/Rome leave that time out on that day",
		`{"onOverMax": "aks"}`:                `onOverMax: want one of ON_LIMIT_REJECT, ON_LIMIT_ASK, `,
		"contactListId: many":                 "contactListId: want a whole number",
		"unicode: perhaps":                    "unicode: want true or false",
		"contactListId: 0x57":                 "contactListId: want a whole number",
		`{"requestId": 2026}`:                 "requestId: want text",
		"maxLateness: soon\nmaxTotal: 3":      "maxLateness: \"soon\" is no duration: write 90s, 15m, 1h or 2d\nmaxTotal: \"3\" says no currency",
	} {
		_, err := parseRequest([]byte(file), now)
		switch {
		case err == nil:
			t.Errorf("%s: no error", file)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v\nwant %s", file, err, want)
		case regexp.MustCompile(`(?i)proto|unmarshal|syntax|unexpected|go\.yaml`).MatchString(err.Error()):
			t.Errorf("%s: that is not our own words: %v", file, err)
		}
	}
}

// The example has every field. It is accepted as it stands, and with each further field.
func TestTheWholeExample(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := printExample(Terminal{Out: &out}, true); err != nil {
		t.Fatal(err)
	}
	accept := func(file string) {
		t.Helper()
		m, err := parseRequest([]byte(file), time.Now())
		if err == nil {
			err = valid(m)
		}
		if err != nil {
			t.Errorf("%v:\n%s", err, file)
		}
	}
	accept(out.String())
	optional := regexp.MustCompile(`(?m)^#(\w+: .*)$`).FindAllStringSubmatch(out.String(), -1)
	fields := (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor().Fields()
	if plain := regexp.MustCompile(`(?m)^\w+: .+$`).FindAllString(out.String(), -1); len(plain)+len(optional) != fields.Len() {
		t.Errorf("%d fields, of %d", len(plain)+len(optional), fields.Len())
	}
	for _, m := range optional {
		file := strings.Replace(out.String(), m[0], m[1], 1)
		if strings.HasPrefix(m[1], "at: ") {
			file = strings.Replace(file, "immediately: yes", "", 1)
		}
		if strings.HasPrefix(m[1], "recipients: ") || strings.HasPrefix(m[1], "audience: ") || strings.HasPrefix(m[1], "namedAudience: ") {
			file = strings.Replace(file, "contactListId: 87", "", 1)
		}
		accept(file)
	}
}
