package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

// good are options that nothing is wrong with.
func good(t *testing.T) app.Options {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("a-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return app.Options{Gateway: app.Gateway{URL: "https://gateway.example/api/partner-gateway/v1", KeyFile: key}}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := good(t).Validate(); err != nil {
		t.Fatalf("good options: %v", err)
	}
	told := good(t)
	told.Gateway.Variant, told.Gateway.AcceptUnsafe = "ready=needed", true
	if err := told.Validate(); err != nil {
		t.Fatalf("an unsafe variant that was accepted: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(*app.Options)
		want  string
	}{
		{"NoURL", func(o *app.Options) { o.Gateway.URL = "" }, "gateway.url is not set"},
		{"NoHost", func(o *app.Options) { o.Gateway.URL = "https:///v1" }, "is not a URL"},
		{"OtherScheme", func(o *app.Options) { o.Gateway.URL = "ftp://gateway.example" }, "is not a URL"},
		{"MovedFromAName", func(o *app.Options) { o.Gateway.MovedFrom = "https://old.example/v1, old" }, `gateway.moved_from: gateway: the base URL "old" is not of the form`},
		{"NoPatience", func(o *app.Options) { o.Rules = campaign.Rules{Patience: -time.Hour} }, "confirm.patience is -1h0m0s: want more than zero"},
		{"NoKeyFile", func(o *app.Options) { o.Gateway.KeyFile = "" }, "gateway.key_file is not set"},
		{"MissingKeyFile", func(o *app.Options) { o.Gateway.KeyFile = empty + "-not" }, "no such file"},
		{"EmptyKeyFile", func(o *app.Options) { o.Gateway.KeyFile = empty }, "is empty: write the API key into it"},
		{"VendorNobodyKnows", func(o *app.Options) { o.Gateway.Vendor = "UC-006" }, `gateway.vendor "UC-006" is not known: want one of uc006`},
		{"HalfAnEnvelope", func(o *app.Options) { o.Gateway.Envelope = "errorCode,,errorText" }, "gateway.envelope: a name is empty"},
		{"JSONForAnEnvelope", func(o *app.Options) { o.Gateway.Envelope = `{"errorCode"}` }, "is no name: write the members alone"},
		{"VariantMisspelt", func(o *app.Options) { o.Gateway.Variant = "read=yes seach=no" }, `gateway.variant: "seach" is nothing that can be known of a gateway`},
		{"UnsafeVariant", func(o *app.Options) { o.Gateway.Variant = "ready=needed" }, "gateway.variant says what cannot be safe: a confirm needs readyToSend"},
		{"SeenToBeAccepted", func(o *app.Options) {
			o.Gateway.Variant, o.Rules.ConfigureRefusedOnceSent = "configure_sent=accepted", true
		}, "a campaign could be sent twice"},
		{"NotMeasured", func(o *app.Options) {
			o.Gateway.Variant, o.Rules.ConfigureRefusedOnceSent = "read=no read_confirmed=no", true
		}, "it was not measured"},
		{"MissingCreds", func(o *app.Options) { o.NATS.Creds = empty + "-not" }, "nats.creds: "},
		{"CertWithoutKey", func(o *app.Options) { o.NATS.Cert = empty }, "nats.cert and nats.key go together"},
		{"NegativeWorkers", func(o *app.Options) { o.Wakeups = -1 }, "workers.wakeups is -1: want 1 or more"},
		{"NegativeGrace", func(o *app.Options) { o.Grace = -time.Second }, "grace is -1s: want more than zero"},
		{"NoPort", func(o *app.Options) { o.Listen = "localhost" }, `http.listen "localhost" is not an address`},
		{"NoSuchPort", func(o *app.Options) { o.Listen = ":65536" }, `http.listen ":65536" is not an address`},
		{"SettleWithinACall", func(o *app.Options) { o.Rules = campaign.Rules{Settle: 30 * time.Second} }, "confirm.settle 30s is not more than confirm.within 10s plus gateway.timeout 20s"},
		{"PollsReversed", func(o *app.Options) { o.Rules = campaign.Rules{PollMin: time.Minute, PollMax: time.Second} }, "poll.max 1s is less than poll.min 1m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := good(t)
			tt.spoil(&o)
			err := o.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			key, _, _ := strings.Cut(err.Error(), " ")
			if !slices.ContainsFunc(app.Settings, func(s app.Setting) bool { return s.Key == strings.TrimSuffix(key, ":") }) {
				t.Errorf("%q begins with no setting", err)
			}
			if _, err := app.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: got %v, want %q", err, tt.want)
			}
		})
	}
}

// No number and no duration is taken whatever it is, also none of a later version.
func TestEverySettingIsBounded(t *testing.T) {
	t.Parallel()
	for _, s := range app.Settings {
		t.Run(s.Key, func(t *testing.T) {
			o := good(t)
			switch field := s.Field(&o).(type) {
			case *int:
				*field = -2
			case *time.Duration:
				*field = -1
			default:
				return
			}
			if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), s.Key+" is -") {
				t.Errorf("-2 is taken: %v", err)
			}
		})
	}
}

// Every field that can be set from outside is in the table.
func TestEveryOptionIsASetting(t *testing.T) {
	t.Parallel()
	var o app.Options
	settable := map[any]bool{}
	for _, s := range app.Settings {
		settable[s.Field(&o)] = true
	}
	// What is no setting: derived from others, or for those who embed the service.
	other := []string{"Log", "Version", "Rules.BackoffMin", "Rules.BackoffMax", "Rules.Rounds", "Rules.Denials", "Rules.Vanished", "Rules.LookAgain",
		"Rules.MovedFrom", "Rules.Policies", "Rules.Windows"}
	var look func(of reflect.Value, path string)
	look = func(of reflect.Value, path string) {
		for i := range of.NumField() {
			name := path + of.Type().Field(i).Name
			field := of.Field(i)
			switch {
			case field.Kind() == reflect.Struct:
				look(field, name+".")
			case settable[field.Addr().Interface()] == slices.Contains(other, name):
				t.Errorf("%s: a setting: %v; want it in the table, or among what is none", name, settable[field.Addr().Interface()])
			}
		}
	}
	look(reflect.ValueOf(&o).Elem(), "")
}
