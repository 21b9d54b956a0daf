package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// serviceMay is what the service may publish to: its own subjects, and of JetStream the
// calls that make streams and use them. It may not delete, purge or change a stream. It
// may erase recipients that are not needed any more, and other messages only if the table
// says so.
var serviceMay = []string{
	"campaign.v1.>", "$KV.campaigns.>", "$KV.budgets.>", "$KV.schedules.>", "$KV.rate.*", "$KV.people.>",
	"$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.*",
	"$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.>", "$JS.API.CONSUMER.>", "$JS.ACK.>", whoAmI,
	streams.EraseCall + streams.Audiences,
	"_INBOX.>", "_R_.>", // answers to questions, also to other accounts
}

// serviceHears is what the service may listen to.
var serviceHears = []string{"campaign.v1.>", query.Subject + ">", "$SRV.>", "_INBOX.>"}

// Print writes the table as accounts of a NATS server. from is the path of the table.
func (t Table) Print(from string) string {
	p := &printer{}
	p.line("# Who may do what, printed by: staffetta access print %s", from)
	p.line("# Change the table and print this again.")
	p.line("#")
	p.line("# Users are public keys (nkeys): nothing in this file is secret, the seeds stay with")
	p.line("# those who use them. Only the account %s has streams. The others use what", home)
	p.line("# they import from it; what is not listed here, nobody there can reach.")
	p.line("")
	p.open("accounts {")
	all := t.accounts()
	p.home(t, all)
	for _, a := range all {
		p.line("")
		p.account(a)
	}
	p.line("")
	p.line("# The servers' own account. Nobody logs in to it unless you add a user.")
	p.line("SYS {}")
	p.close("}")
	p.line("system_account: SYS")
	return p.String()
}

// printer writes lines with their indentation.
type printer struct {
	strings.Builder
	depth int
}

func (p *printer) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		text = strings.Repeat("  ", p.depth) + text
	}
	p.WriteString(text + "\n")
}

func (p *printer) open(format string, args ...any) { p.line(format, args...); p.depth++ }
func (p *printer) close(text string)               { p.depth--; p.line("%s", text) }

func (p *printer) home(t Table, all []account) {
	p.open("%s {", home)
	p.line("jetstream: enabled")
	p.line("")
	p.open("users: [")
	p.line("# The service.")
	may := serviceMay
	if t.Erases {
		may = append(slices.Clip(may), contract.EraseSubjects()...)
	}
	p.user(t.Service, may, nil, serviceHears)
	for _, o := range t.Operators {
		// The first subject already permits the second one. But a client asks the
		// server for its own permissions, and finds its name in the second. So an
		// operator's commands bear it.
		p.line("# Operator %s: everything, with the nats command line too.", o.Name)
		p.user(o.Key, []string{">", contract.CommandPattern("*", "*", "*", o.Name)}, nil, []string{">"})
	}
	p.close("]")
	granted, to := exports(all)
	p.open("exports: [")
	for _, g := range granted {
		many := ""
		if g.many {
			many = ", response_type: stream"
		}
		p.line(`{ %s: %q%s, accounts: [%s] }`, kind(g), g.subject, many, strings.Join(to[g.subject], ", "))
	}
	p.close("]")
	p.close("}")
}

func (p *printer) account(a account) {
	p.open("%s {", a.name)
	p.open("imports: [")
	for _, g := range a.grants {
		to := ""
		if g.to != "" {
			to = fmt.Sprintf(", to: %q", g.to)
		}
		if g.share {
			to += ", share: true"
		}
		p.line(`{ %s: { account: %s, subject: %q }%s }`, kind(g), home, g.subject, to)
	}
	p.close("]")
	p.open("users: [")
	for _, u := range a.users {
		publish, subscribe := []string{}, []string{}
		for _, g := range u.grants {
			if g.stream {
				subscribe = append(subscribe, g.as())
			} else {
				publish = append(publish, g.as())
			}
		}
		p.line("# %s", u.title())
		p.user(u.Key, append(publish, whoAmI), u.denied, append(subscribe, u.inbox))
	}
	p.close("]")
	p.close("}")
}

func (u user) title() string {
	if u.Role == "" {
		return "Source " + u.Name
	}
	return u.Name + ", " + u.Role
}

func (p *printer) user(key Key, publish, denied, subscribe []string) {
	p.open("{")
	p.line("nkey: %s", key)
	p.open("permissions: {")
	if denied == nil {
		p.list("publish", publish)
	} else {
		p.open("publish: {")
		p.list("allow", publish)
		p.list("deny", denied)
		p.close("}")
	}
	p.list("subscribe", subscribe)
	p.close("}")
	p.close("}")
}

func (p *printer) list(name string, subjects []string) {
	p.open("%s: [", name)
	for _, s := range subjects {
		p.line("%q", s)
	}
	p.close("]")
}
