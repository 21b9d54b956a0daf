package access_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/access"
)

// deploy/nats/accounts.conf is printed from the table beside it.
func TestTheExampleIsPrinted(t *testing.T) {
	t.Parallel()
	have, err := os.ReadFile("../../deploy/nats/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(table(t).Print("nats/access.yaml"), string(have)); diff != "" {
		t.Errorf("print it again (-printed +deployed):\n%s", diff)
	}
}

// A table may have no people.
func TestASourceIsOneRow(t *testing.T) {
	t.Parallel()
	tab, err := access.Parse([]byte("service: $A\nsources: [{name: shop, nkey: $B}]"))
	if err != nil {
		t.Fatal(err)
	}
	if text := tab.Print("t.yaml"); !strings.Contains(text, "SOURCE_shop {") || strings.Contains(text, "PEOPLE") {
		t.Errorf("printed %s", text)
	}
}

// An error about the table names every field at fault.
func TestParse(t *testing.T) {
	t.Parallel()
	const key = "UAZXUGVVRKQTMHDV3JRRX6CPMCIEYHPODLCHRKBEWPBKEOUQRNY4V2GL"
	for name, test := range map[string]struct{ table, want string }{
		"RefusesAFieldThatItDoesNotKnow": {"service: " + key + "\nsource: []", "field source not found"},
		"RefusesATableWithoutTheService": {"sources: []", `service: nkey "": want a public key`},
		"RefusesASeed":                   {"service: SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY", "want a public key"},
		"RefusesANameThatIsNoToken":      {"service: " + key + "\nsources: [{name: shop.italia, nkey: $A}]", `sources[0]: name "shop.italia": want 1 to 64`},
		"RefusesAWildcardForAName":       {"service: " + key + "\nsources: [{name: '*', nkey: $A}]", `sources[0]: name "*"`},
		"RefusesOneNameOfTwo":            {"service: " + key + "\noperators: [{name: anna, nkey: $A}]\nroles: {r: {}}\npeople: [{name: anna, nkey: $B, role: r}]", "people[0]: name \"anna\": it is that of operators[0]"},
		"RefusesOneKeyOfTwo":             {"service: $A\nsources: [{name: shop, nkey: $A}]", "sources[0]: nkey: it is that of service"},
		"RefusesAnUnknownRole":           {"service: $A\nroles: {support: {}}\npeople: [{name: anna, nkey: $B, role: boss}]", `people[0]: role "boss": want one of support`},
		"RefusesAnUnknownVerb":           {"service: $A\nroles: {support: {tells: [cancle]}}", `roles.support: tells "cancle": want some of approve, cancel`},
		"RefusesAnUnknownRight":          {"service: $A\nroles: {support: {reads: all}}", `roles.support: reads "all": want events, everything`},
		"RefusesADurableForNothing":      {"service: $A\nroles: {r: {}}\npeople: [{name: anna, nkey: $B, role: r, durable: true}]", "people[0]: durable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := access.Parse([]byte(test.table)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}
}
