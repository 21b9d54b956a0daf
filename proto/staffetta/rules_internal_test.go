package staffetta

import (
	"testing"
)

// A rule that nobody here knows is an error, not silence.
func TestAnUnknownExpressionIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"this.size() > 3", "this != -1", "this.matches('a') || this.matches('b')", `this.matches('a\n')`, `this.matches('[')`, "this.matches(this.pattern)", "",
	} {
		if _, err := expression(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestTheRulesOfARequestAreKnown(t *testing.T) {
	t.Parallel()
	rules, err := requestRules()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range rules.fields {
		n += len(f.rules)
	}
	if n < 20 || len(rules.oneofs) != 1 {
		t.Errorf("only %d rules were read, and %d oneofs", n, len(rules.oneofs))
	}
}
