package sandbox_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// docs/sandbox.md is run: its commands in their order, its rules, its list of
// controls.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)

	t.Run("EveryCommandWorksAndTheFiguresAreTheSeeds", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		commands := regexp.MustCompile(`(?m)^    curl -s (.*?)(?: +# .*)?$`).FindAllStringSubmatch(doc, -1)
		if len(commands) < 11 {
			t.Fatalf("%d commands", len(commands))
		}
		for _, command := range commands {
			method, path, body := curl(t, command[1])
			status, answer := g.call(method, path, body)
			if status != 200 {
				t.Fatalf("curl %s: %d %s", command[1], status, answer)
			}
		}
		equal(t, "figures", g.figures(1542), "COMPLETED: 9831 total, 9831 sent, 9542 delivered, 289 undelivered, 0 pending, 97.06 %")
	})

	t.Run("EveryRuleIsOne", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		_, section, _ := strings.Cut(doc, "as rules:")
		section, _, _ = strings.Cut(section, "\n## ")
		rules := regexp.MustCompile("`(\\{.*?\\})` \\|").FindAllStringSubmatch(section, -1)
		if len(rules) < 28 {
			t.Fatalf("%d rules", len(rules))
		}
		for _, rule := range rules {
			var f sandbox.Fault
			if err := json.Unmarshal([]byte(rule[1]), &f); err != nil {
				t.Errorf("%s: %v", rule[1], err)
			}
			g.fault(f)
		}
	})

	t.Run("EveryMemberAndEveryVariantIsThere", func(t *testing.T) {
		t.Parallel()
		members := append(jsonNames(reflect.TypeFor[sandbox.Variants]()), jsonNames(reflect.TypeFor[sandbox.Fault]())...)
		for _, name := range append(members, "for", "delay", "later", "answer") {
			if !slices.Contains([]string{"id", "met", "struck"}, name) && !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("%s is not in the documentation", name)
			}
		}
		_, section, _ := strings.Cut(doc, "## Variants")
		section, _, _ = strings.Cut(section, "\n## ")
		rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(section, -1)
		for _, row := range rows {
			if !slices.Contains(members, row[1]) {
				t.Errorf("%s is in the documentation, and there is no such variant", row[1])
			}
		}
		equal(t, "rows", len(rows), len(jsonNames(reflect.TypeFor[sandbox.Variants]())))
	})

	t.Run("EveryControlIsThere", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, control := range g.get(200, "GET", "/sandbox/", "")["control"].([]any) {
			_, path, _ := strings.Cut(control.(string), " ")
			path = strings.ReplaceAll(path, "{campaign}", "{id}")
			if !strings.Contains(doc, path+"`") {
				t.Errorf("%s is not in the documentation", control)
			}
		}
	})
}

func jsonNames(of reflect.Type) (all []string) {
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "-" {
			all = append(all, name)
		}
	}
	return all
}

// curl reads the few forms of command that the documentation uses.
func curl(t *testing.T, args string) (method, path, body string) {
	t.Helper()
	method = "GET"
	if _, data, has := strings.Cut(args, "-d '"); has {
		method, body = "POST", data[:strings.LastIndex(data, "'")]
	}
	if m := regexp.MustCompile(`-X (\w+)`).FindStringSubmatch(args); m != nil {
		method = m[1]
	}
	m := regexp.MustCompile(`\$(URL|API)([^\s"]*)`).FindStringSubmatch(args)
	if m == nil {
		t.Fatalf("no address in %s", args)
	}
	if m[1] == "API" {
		return method, base + m[2], body
	}
	return method, m[2], body
}
