package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/app"
)

// An error in the file of accounts names the account, the field and the remedy.
func TestAccountsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("secret-key-of-somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	own := app.Gateway{URL: "https://gateway.example/v1", KeyFile: key}
	at := app.Gateway{URL: "https://gateway.example/v1"}
	for name, tt := range map[string]struct {
		gateway app.Gateway
		file    string
		want    []string // parts of the error; none: it is in order
	}{
		"OneBesideTheDefault":   {own, "- {name: bianchi, key_file: KEY, sources: [studio-bianchi]}", nil},
		"OneForAllOthers":       {at, "- {name: bianchi, key_file: KEY, sources: ['*']}", nil},
		"WithEverythingItsOwn":  {app.Gateway{}, "- {name: bianchi, url: 'https://b.example/v1', key_file: KEY, sources: [a, b], rate_per_minute: 100, rate_per_second: -1, pace: 300, timeout: 5s, breaker_open: 1m, insecure: no, moved_from: 'https://old.example/v1'}", nil},
		"WithoutSources":        {own, "- {name: bianchi, key_file: KEY, sources: []}", nil},
		"Empty":                 {own, "", []string{"accounts: ", "is empty: write a list of accounts"}},
		"NoList":                {own, "name: bianchi", []string{"accounts: ", "cannot unmarshal"}},
		"AFieldThatThereIsNot":  {own, "- {name: bianchi, key-file: KEY}", []string{"accounts: ", "key-file"}},
		"WithoutAName":          {at, "- {key_file: KEY}", []string{"accounts: entry 1 has no name: give it one"}},
		"AStrangeName":          {at, "- {name: Studio Bianchi, key_file: KEY}", []string{`name "Studio Bianchi": want up to 64 letters`}},
		"TwoOfOneName":          {at, "- {name: b, key_file: KEY}\n- {name: b, key_file: KEY}", []string{`two are called "b"`}},
		"TwoDefaults":           {own, "- {name: default, key_file: KEY}", []string{"the account of gateway.key_file is called default"}},
		"TwoHaveASource":        {at, "- {name: a, key_file: KEY, sources: [shop]}\n- {name: b, key_file: KEY, sources: [shop]}", []string{`a and b both have the source "shop": a source has one account`}},
		"TwoForAllOthers":       {at, "- {name: a, key_file: KEY, sources: ['*']}\n- {name: b, key_file: KEY, sources: ['*']}", []string{`a and b both have the source "*"`}},
		"ASourceThatCannotBe":   {at, "- {name: a, key_file: KEY, sources: [a.b]}", []string{"accounts: a: sources: ", "a.b"}},
		"WithoutAKey":           {own, "- {name: a, sources: [shop]}", []string{"accounts: a: key_file is not set"}},
		"AKeyThatIsNotThere":    {own, "- {name: a, key_file: /nowhere/key}", []string{"accounts: a: key_file: ", "/nowhere/key"}},
		"WithoutAURL":           {app.Gateway{}, "- {name: a, key_file: KEY}", []string{"accounts: a: url is not set"}},
		"AVendorThatThereIsNot": {own, "- {name: a, key_file: KEY, vendor: acme}", []string{`accounts: a: vendor "acme" is not known`}},
		"ATimeoutTooLong":       {own, "- {name: a, key_file: KEY, timeout: 10m}", []string{"accounts: a: confirm.settle 2m0s is not more than"}},
		"NoFailureAtAll":        {own, "- {name: a, key_file: KEY, breaker_failures: -3}", []string{"accounts: a: breaker_failures is -3: want 1 or more"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "accounts.yaml")
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(tt.file, "KEY", key)), 0o600); err != nil {
				t.Fatal(err)
			}
			err := app.Options{Gateway: tt.gateway, Accounts: file}.Validate()
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("error %v, want parts %q", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// Commands beside the service choose one of the accounts.
func TestInAccount(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte("- {name: bianchi, key_file: theirs, rate_per_minute: 100}"), 0o600); err != nil {
		t.Fatal(err)
	}
	own := app.Gateway{URL: "https://gateway.example/v1", KeyFile: "ours", RatePerMinute: 1000}
	for name, tt := range map[string]struct {
		o           app.Options
		account     string
		key, refuse string
	}{
		"TheOnlyOne":                {app.Options{Gateway: own}, "", "ours", ""},
		"TheOnlyOneByItsName":       {app.Options{Gateway: own}, "default", "ours", ""},
		"TheStandingOne":            {app.Options{Gateway: own, Accounts: file}, "", "ours", ""},
		"OneOfTheFile":              {app.Options{Gateway: own, Accounts: file}, "bianchi", "theirs", ""},
		"OneThatThereIsNot":         {app.Options{Gateway: own, Accounts: file}, "acqua", "", `no account "acqua": want one of default, bianchi`},
		"OneWithoutAFile":           {app.Options{Gateway: own}, "bianchi", "", "accounts names no file"},
		"NoneWhereThereIsNoDefault": {app.Options{Gateway: app.Gateway{URL: own.URL}, Accounts: file}, "", "", "say which account: one of bianchi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.o.InAccount(tt.account)
			if tt.refuse != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refuse) {
					t.Fatalf("error %v, want %q", err, tt.refuse)
				}
				return
			}
			if err != nil || got.Gateway.KeyFile != tt.key || got.Gateway.URL != own.URL {
				t.Errorf("key %q at %s (%v), want %q", got.Gateway.KeyFile, got.Gateway.URL, err, tt.key)
			}
		})
	}
}
