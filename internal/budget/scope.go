package budget

import (
	"cmp"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Scope says whose spending is limited: that of one source, of one account where there are
// several, or of all sources together.
type Scope string

// Account is the scope of all sources together: of the whole account, where there is one.
const Account Scope = "*"

// ofAccount is how the scope of one of several accounts begins. No source can be called so.
const ofAccount = "@"

// OfAccount is the scope of one of several accounts.
func OfAccount(name string) Scope { return Scope(ofAccount + name) }

// account is the account's, if the scope is that of one of several.
func (s Scope) account() (name string, ok bool) { return strings.CutPrefix(string(s), ofAccount) }

// String is the scope in words.
func (s Scope) String() string {
	if s == Account {
		return "the account"
	}
	if name, ok := s.account(); ok {
		return "account " + name
	}
	return string(s)
}

// Compare orders budgets: that of all sources first, then those of accounts, then those of
// sources.
func (s Scope) Compare(other Scope) int {
	return cmp.Or(cmp.Compare(s.rank(), other.rank()), cmp.Compare(s, other))
}

func (s Scope) rank() int {
	switch _, ok := s.account(); {
	case s == Account:
		return 0
	case ok:
		return 1
	}
	return 2
}

// IsSource says that a budget is that of one source.
func (s Scope) IsSource() bool { return s.rank() == 2 }

// check says what is wrong with a scope.
func (s Scope) check() error {
	field, name := "source", string(s)
	if account, ok := s.account(); ok {
		field, name = "account", account
	}
	if s == Account {
		return nil
	}
	if err := (campaign.Key{Source: name, RequestID: "-"}).Validate(); err != nil {
		return refuse(field, "%s", err)
	}
	return nil
}

// recordName is the name of a record of one kind of a scope, or how such names begin. A
// source may be called "account" too, so a source's name follows a word of its own. Those
// of an account are apart from all others: an earlier version, which lists the others,
// neither shows nor settles what it does not know.
func (s Scope) recordName(kind string) string {
	if name, ok := s.account(); ok {
		return ofOneAccount + kind + name
	}
	if s == Account {
		return kind + "account"
	}
	return kind + "source." + string(s)
}

// ofOneAccount begins the names of what belongs to one of several accounts.
const ofOneAccount = "account-"

// accountOf is the account in the name of a ledger; empty: it is none of an account.
func accountOf(ledger string) string {
	name, ok := strings.CutPrefix(ledger, ofOneAccount+ledgers)
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}
