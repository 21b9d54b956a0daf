package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// exampleRequest is what `request --example` prints.
const exampleRequest = `{
  "source": "shop-italia",
  "requestId": "black-friday-2026",
  "name": "Black Friday 2026",
  "sender": "ShopItalia",
  "text": "Black Friday! Ciao {{firstName}}, -30% con il tuo codice {{code}}.",
  "contactListId": 87,
  "immediately": true
}
`

// examples are a value for each field of a request, as a person writes it in YAML.
// Fields that a request can do without stand behind a #.
var examples = map[string]string{
	"source":               "shop-italia",
	"requestId":            "black-friday-2026",
	"name":                 "Black Friday 2026",
	"description":          "# The main mailing",
	"sender":               "ShopItalia",
	"text":                 `"Black Friday! Ciao {{firstName}}, -30% con il tuo codice {{code}}."`,
	"contactListId":        "87",
	"unicode":              "# yes",
	"simulation":           "# yes",
	"immediately":          "yes",
	"at":                   "# tomorrow 08:00 Europe/Rome",
	"expiresAt":            "# tomorrow 20:00 Europe/Rome",
	"maxTotal":             "# 500 EUR",
	"onOverMax":            "# ask",
	"maxPartsPerMessage":   "# 1",
	"needsApproval":        "# yes",
	"approvalWithin":       "# 12h",
	"onInsufficientCredit": "# wait",
	"creditWithin":         "# 2d",
	"maxLateness":          "# 30m",
	"onLate":               "# ask",
	"sendWindow":           "# it-marketing",
	"agreedQuoteId":        "# 3f2a9c0d1b4e5f67",
	"labels":               "# {team: crm, product: shoes}",
	"recipients":           `# [{phoneNumber: "+393331234567", fields: {code: BF-7H2K}}]`,
	"audience":             "# {sha256: " + strings.Repeat("0f", 32) + ", size: 2400000, chunks: 10}",
	"namedAudience":        "# {name: this-week, maxAge: 2d}",
	"defaultRegion":        "# IT",
	"missingField":         "# leave_out",
}

// printExample prints a request to begin with, or one with every field and what it
// means.
func printExample(t Terminal, all bool) error {
	if !all {
		_, err := io.WriteString(t.Out, exampleRequest)
		return err
	}
	var b strings.Builder
	b.WriteString("# A request, with every field that there is. What stands behind a # may be left out.\n")
	fields := (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		comment, err := contract.Comment(f)
		if err != nil {
			return err
		}
		b.WriteString("\n")
		for _, line := range wrapped(comment, 78) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		value, optional := strings.CutPrefix(examples[f.JSONName()], "# ")
		if optional {
			b.WriteString("#")
		}
		fmt.Fprintf(&b, "%s: %s\n", f.JSONName(), value)
	}
	_, err := io.WriteString(t.Out, b.String())
	return err
}
