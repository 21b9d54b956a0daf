package app

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// accountEntry is one account in the file of [Options.Accounts]. What is left out is as
// the settings gateway.* say, except for the key file.
type accountEntry struct {
	Name    string   `yaml:"name"`
	Sources []string `yaml:"sources"` // whose campaigns are sent with it; "*": all others

	URL                      *string        `yaml:"url"`
	Vendor                   *string        `yaml:"vendor"`
	MovedFrom                *string        `yaml:"moved_from"`
	Insecure                 *bool          `yaml:"insecure"`
	KeyFile                  string         `yaml:"key_file"`
	Variant                  *string        `yaml:"variant"`
	ConfigureRefusedOnceSent *bool          `yaml:"configure_refused_once_sent"`
	FieldsFrozen             *bool          `yaml:"fields_frozen"`
	AcceptUnsafe             *bool          `yaml:"accept_unsafe"`
	RatePerMinute            *int           `yaml:"rate_per_minute"`
	RatePerSecond            *int           `yaml:"rate_per_second"`
	BreakerFailures          *int           `yaml:"breaker_failures"`
	BreakerOpen              *time.Duration `yaml:"breaker_open"`
	Timeout                  *time.Duration `yaml:"timeout"`
	Envelope                 *string        `yaml:"envelope"`
	Pace                     *int           `yaml:"pace"`
}

// everyOther is the source that stands for all sources that no account names.
const everyOther = "*"

// accountName is what an account may be called: it becomes a label and an attribute.
var accountName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// accountOptions are the settings of one account: Options in which Gateway and the rules
// of the gateway are its own.
type accountOptions struct {
	Options
	name    string // empty: it is the only one, and nobody has named it
	sources []string
}

// accountOptions are the settings of each account, in the order of the file. The account
// of the settings gateway.*, if there is one, is the first. An error names the account,
// the field and the remedy.
func (o Options) accountOptions() ([]accountOptions, error) {
	if o.Accounts == "" {
		return []accountOptions{{Options: o, sources: []string{everyOther}}}, nil
	}
	entries, err := readAccounts(o.Accounts)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	var all []accountOptions
	if o.Gateway.KeyFile != "" {
		standing := accountOptions{Options: o, name: campaign.DefaultAccount}
		if !slices.ContainsFunc(entries, func(e accountEntry) bool { return slices.Contains(e.Sources, everyOther) }) {
			standing.sources = []string{everyOther}
		}
		all = append(all, standing)
	}
	for _, e := range entries {
		all = append(all, e.over(o))
	}
	return all, asOne(all)
}

// InAccount are the settings of one account, as if it were the only one. Without a name it
// is the account of the settings gateway.*. An error says which accounts there are.
func (o Options) InAccount(name string) (Options, error) {
	all, err := o.accountOptions()
	if err != nil {
		return o, err
	}
	if o.Accounts == "" && (name == "" || name == campaign.DefaultAccount) {
		return o, nil
	}
	var names []string
	for _, a := range all {
		if a.name == cmp.Or(name, campaign.DefaultAccount) {
			a.Accounts = ""
			return a.Options, nil
		}
		names = append(names, a.name)
	}
	switch {
	case o.Accounts == "":
		return o, fmt.Errorf("there is no account %q: accounts names no file", name)
	case name == "":
		return o, fmt.Errorf("say which account: one of %s", strings.Join(names, ", "))
	}
	return o, fmt.Errorf("there is no account %q: want one of %s", name, strings.Join(names, ", "))
}

// asOne says what is wrong with accounts that are in order one by one.
func asOne(all []accountOptions) error {
	var wrong []error
	byName, bySource := map[string]bool{}, map[string]string{}
	for i, a := range all {
		switch {
		case a.name == "":
			wrong = append(wrong, fmt.Errorf("accounts: entry %d has no name: give it one, as name: shop-italia", i+1))
		case !accountName.MatchString(a.name):
			wrong = append(wrong, fmt.Errorf("accounts: name %q: want up to 64 letters, digits, - and _", a.name))
		case byName[a.name] && a.name == campaign.DefaultAccount:
			wrong = append(wrong, errors.New("accounts: the account of gateway.key_file is called default: give the other one another name"))
		case byName[a.name]:
			wrong = append(wrong, fmt.Errorf("accounts: two are called %q: give each its own name", a.name))
		}
		byName[a.name] = true
		for _, source := range a.sources {
			if source != everyOther {
				if err := (campaign.Key{Source: source, RequestID: "-"}).Validate(); err != nil {
					wrong = append(wrong, fmt.Errorf("accounts: %s: sources: %w", a.name, err))
					continue
				}
			}
			if other, twice := bySource[source]; twice {
				wrong = append(wrong, fmt.Errorf("accounts: %s and %s both have the source %q: a source has one account", other, a.name, source))
			}
			bySource[source] = a.name
		}
	}
	return errors.Join(wrong...)
}

func readAccounts(file string) ([]accountEntry, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var entries []accountEntry
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	switch err := d.Decode(&entries); {
	case errors.Is(err, io.EOF), err == nil && len(entries) == 0:
		return nil, fmt.Errorf("%s is empty: write a list of accounts, each with name, key_file and sources; or leave accounts out", file)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return entries, nil
}

// over lays the entry over the settings.
func (e accountEntry) over(o Options) accountOptions {
	a := accountOptions{Options: o, name: e.Name, sources: e.Sources}
	g := &a.Gateway
	g.KeyFile, g.MovedFrom, g.Variant = e.KeyFile, "", "" // of another account nothing is known
	a.Rules.ConfigureRefusedOnceSent, a.Rules.FieldsFrozen = false, false
	if e.URL == nil {
		// It is at the same gateway, with another key.
		g.MovedFrom, g.Variant = o.Gateway.MovedFrom, o.Gateway.Variant
		a.Rules.ConfigureRefusedOnceSent, a.Rules.FieldsFrozen = o.Rules.ConfigureRefusedOnceSent, o.Rules.FieldsFrozen
	}
	lay(&g.URL, e.URL)
	lay(&g.Vendor, e.Vendor)
	lay(&g.MovedFrom, e.MovedFrom)
	lay(&g.Insecure, e.Insecure)
	lay(&g.Variant, e.Variant)
	lay(&a.Rules.ConfigureRefusedOnceSent, e.ConfigureRefusedOnceSent)
	lay(&a.Rules.FieldsFrozen, e.FieldsFrozen)
	lay(&g.AcceptUnsafe, e.AcceptUnsafe)
	lay(&g.RatePerMinute, e.RatePerMinute)
	lay(&g.RatePerSecond, e.RatePerSecond)
	lay(&g.BreakerFailures, e.BreakerFailures)
	lay(&g.BreakerOpen, e.BreakerOpen)
	lay(&g.Timeout, e.Timeout)
	lay(&g.Envelope, e.Envelope)
	lay(&a.Rules.Pace, e.Pace)
	return a
}

func lay[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// ofAccount says that a setting is each account's own.
func (s Setting) ofAccount() bool {
	return strings.HasPrefix(s.Key, accountPrefix) && s.Key != "gateway.replicas" && s.Key != "gateway.unanswered"
}

const accountPrefix = "gateway."

// wrong is what is wrong with the settings of one account, one sentence each.
func (a accountOptions) wrong() (wrong []error) {
	say := func(key string, err error) {
		if a.name == "" || a.name == campaign.DefaultAccount {
			wrong = append(wrong, fmt.Errorf("%s%w", key, err))
			return
		}
		wrong = append(wrong, fmt.Errorf("accounts: %s: %s%w", a.name, strings.TrimPrefix(key, accountPrefix), err))
	}
	for _, s := range Settings {
		if s.ofAccount() {
			if err := s.wrong(a.Options); err != nil {
				say(s.Key, err)
			}
		}
	}
	g, r := a.Gateway, a.Rules
	if need := r.ConfirmWithin + g.Timeout; r.Settle <= need {
		text := fmt.Errorf("confirm.settle %s is not more than confirm.within %s plus gateway.timeout %s: a confirm that is still under way would be taken for one that failed", r.Settle, r.ConfirmWithin, g.Timeout)
		if a.name != "" {
			text = fmt.Errorf("accounts: %s: %w", a.name, text)
		}
		wrong = append(wrong, text)
	}
	return wrong
}
