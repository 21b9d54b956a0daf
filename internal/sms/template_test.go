package sms_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/sms"
)

func TestFill(t *testing.T) {
	t.Parallel()
	fields := map[string]string{"firstName": "Nicolò", "code": "BF-7K3", "sly": "{{code}}", "a.b-c_1": "odd"}
	for _, c := range []struct {
		text, want string
		names      []string
	}{
		{"Ciao {{firstName}}, il tuo codice: {{code}}!", "Ciao Nicolò, il tuo codice: BF-7K3!", []string{"firstName", "code"}},
		{"{{code}}{{code}} {{ code }}", "BF-7K3BF-7K3 BF-7K3", []string{"code"}},
		{"nothing here", "nothing here", nil},
		{"", "", nil},
		{"unknown {{nope}}.", "unknown .", []string{"nope"}},
		{"case {{Code}}.", "case .", []string{"Code"}},
		{"a value is not filled again: {{sly}}", "a value is not filled again: {{code}}", []string{"sly"}},
		{"{{a.b-c_1}}", "odd", []string{"a.b-c_1"}},
		{"{{{code}}}", "{BF-7K3}", []string{"code"}},
		{"{{{{code}} }}", "{{BF-7K3 }}", []string{"code"}},
		{"{{}} {{ }} {{a b}} {code} {{code} {{code", "{{}} {{ }} {{a b}} {code} {{code} {{code", nil},
	} {
		if got := sms.Fill(c.text, fields); got != c.want {
			t.Errorf("Fill(%q) = %q, want %q", c.text, got, c.want)
		}
		if diff := cmp.Diff(c.names, sms.Placeholders(c.text)); diff != "" {
			t.Errorf("Placeholders(%q) (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestLookalikes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Ciao {firstName}, {firstName}: {{code}}", []string{"{firstName}"}},
		{"Ciao {{first name}} {{ città }} {{code} {{{nome}", []string{"{{first name}}", "{{ città }}", "{{code}", "{{{nome}"}},
		{"{{{code}}} {} {{ }} { a } }{ {", []string{"{ a }"}},
		{"{" + strings.Repeat("x", 41) + "} {a\nb}", nil},
		{"niente", nil},
	} {
		if diff := cmp.Diff(c.want, sms.Lookalikes(c.text)); diff != "" {
			t.Errorf("Lookalikes(%q) (-want +got):\n%s", c.text, diff)
		}
	}
}

func FuzzFillLeavesNoPlaceholderOfAKnownField(f *testing.F) {
	f.Add("{{{code}}} {{ code }} {{code")
	f.Fuzz(func(t *testing.T, text string) {
		names := sms.Placeholders(text)
		filled := sms.ParseTemplate(text).Fill(func(name string) string { return "{{" + name + "}}" })
		if diff := cmp.Diff(names, sms.Placeholders(filled)); diff != "" {
			t.Errorf("a text filled with its own placeholders has others (-want +got):\n%s", diff)
		}
	})
}

func ExampleFill() {
	fmt.Println(sms.Fill("{{firstName}}, -30% con {{code}}", map[string]string{"firstName": "Anna", "code": "BF-1"}))
	// Output: Anna, -30% con BF-1
}
