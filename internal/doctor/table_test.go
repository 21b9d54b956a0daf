package doctor_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

var rewrite = flag.Bool("rewrite", false, "write the table of docs/first-account.md anew")

const (
	page  = "../../docs/first-account.md"
	begin = "<!-- verdicts: this table is written by a test -->\n"
	end   = "<!-- /verdicts -->"
)

// kinds are the gateways of the table: each variant, and what goes together.
func kinds() (all []string) {
	each(func(name string, v sandbox.Variants) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		all = append(all, string(b))
	})
	return append(all,
		`{"uc006":true,"noDelete":true}`, `{"uc006":true,"confirmNoBody":true}`, `{"uc006":true,"configureBlind":true}`,
		`{"uc006":true,"configureOnce":true}`, `{"uc006":true,"statsNeedDates":true}`, `{"noDelete":true,"configureOnce":true}`,
		`{"readDraftsOnly":true,"statsNeedDates":true}`, `{"numericStatus":true,"confirmIs202":true,"creditIs400":true,"statsNeedDates":true}`)
}

// The page's table of gateways and verdicts is the program's own.
func TestVerdictsOfEveryKindOfGateway(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(begin + "| gateway, as a sandbox | learnt, with `--simulate`, otherwise than of `{}` | verdict | with `--simulate` | what ends unresolved or later, and what is unsafe |\n|---|---|---|---|---|\n")
	plain := doctor.Variant(nil)
	for _, kind := range kinds() {
		var v sandbox.Variants
		if err := json.Unmarshal([]byte(kind), &v); err != nil {
			t.Fatal(err)
		}
		var verdicts [2]doctor.Verdict
		var learnt doctor.Variant
		for i := range verdicts {
			report, err := doctor.Examine(t.Context(), open(t, v).options(i == 1))
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			verdicts[i] = report.Variant.Verdict()
			learnt = report.Variant
		}
		if plain == nil {
			plain = learnt
		}
		says := "nothing more than must be"
		if _, more, has := strings.Cut(verdicts[1].Unresolved, "or later: "); has {
			says = strings.TrimSuffix(more, ".")
		}
		if verdicts[1].Judgement != doctor.Safe || strings.HasPrefix(verdicts[1].Unsafe, "A simulation") {
			says = "**" + strings.TrimSuffix(verdicts[1].Unsafe, ".") + "**"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", kind, otherwise(learnt, plain), verdicts[0].Judgement, verdicts[1].Judgement, says)
	}
	b.WriteString(end)
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(begin) + `.*?` + regexp.QuoteMeta(end))
	if *rewrite {
		if err := os.WriteFile(page, table.ReplaceAllLiteral(raw, []byte(b.String())), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if said := diff.Diff(b.String(), string(table.Find(raw))); said != "" {
		t.Errorf("the verdicts of %s (-program +page); go test ./internal/doctor -run Verdicts -rewrite writes them anew:\n%s", page, said)
	}
}

// otherwise are the words that differ; one that is not known has a question mark.
func otherwise(is, plain doctor.Variant) string {
	var words []string
	for _, way := range doctor.Ways() {
		if is[way] != plain[way] {
			words = append(words, "`"+way+"="+cmp.Or(is[way], "?")+"`")
		}
	}
	return strings.Join(words, " ")
}

// What cannot be safe depends on the configuration as well.
func TestUnsafe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line    string
		counts  bool
		because string
	}{
		{"", false, ""},
		{"", true, ""}, // the doctor was not asked: the operator has set it on purpose
		{"read=no read_confirmed=no configure_sent=refused", true, ""},
		{"read=no read_confirmed=no configure_sent=accepted", false, ""},
		{"read=yes read_confirmed=yes configure_sent=accepted", true, "seen to be accepted"},
		{"read=no read_confirmed=no", true, "not measured"},
		{"read=yes read_confirmed=yes", true, ""},
		{"configure_sent=refused configure_scheduled=blind", true, "stays scheduled"},
		{"ready=needed", false, "readyToSend"},
		{"stats_dates=needed", false, ""},
		{"read=no read_confirmed=no stats_dates=needed", false, "none would be followed"},
	} {
		v, err := doctor.ParseVariant(tt.line)
		if err != nil {
			t.Fatal(err)
		}
		switch why := strings.Join(v.Unsafe(tt.counts), "; "); {
		case tt.because == "" && why != "", !strings.Contains(why, tt.because):
			t.Errorf("%q, configured %v: %q, want %q", tt.line, tt.counts, why, tt.because)
		}
	}
}
