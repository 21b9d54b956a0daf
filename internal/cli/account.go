package cli

import "github.com/spf13/pflag"

// addAccount gives a command that calls the gateway the flag that says with which account,
// where there are several.
func addAccount(flags *pflag.FlagSet) *string {
	return flags.String("account", "", "with which of the accounts, by its name; the one of gateway.key_file if left out")
}

// inAccount makes the settings those of one account.
func (r *resolved) inAccount(name string) error {
	o, err := r.Options.InAccount(name)
	if err != nil {
		return usageError{err}
	}
	if name != "" {
		r.origin["gateway.rate_per_minute"] = "account " + name
	}
	r.Options = o
	return nil
}
