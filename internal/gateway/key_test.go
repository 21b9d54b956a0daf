package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	o := Options{BaseURL: "x", Key: secret}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("options", "key", o.Key, "all", []any{o.Key, &o.Key})
	slog.New(slog.NewTextHandler(&log, nil)).Info("options", "key", o.Key, "all", []Secret{o.Key})
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, form+form, o.Key, &o.Key)
	}
	fmt.Fprintf(&log, "%v %+v %#v", map[string]Secret{"k": o.Key}, struct{ K Secret }{o.Key}, []any{o.Key})
	body, err := json.Marshal([]Secret{o.Key})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(body)
	if s := log.String(); strings.Contains(s, "0123456789") || strings.Contains(s, fmt.Sprintf("%x", secret)) {
		t.Errorf("the key is in\n%s", s)
	}
	if !strings.Contains(log.String(), mask) {
		t.Error("not even a mask: the test prints nothing")
	}
}

// A gateway that repeats the key in its answer does not get it into a record.
func TestKeyIsTakenOutOfTheGatewaysWords(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 500, 302, 200} {
		g := open(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/login?key="+secret)
			answers(code, `{"status":"fail","data":{"`+secret+`":"the key `+secret+` is wrong"}}`)(w, r)
		})
		if got := fmt.Sprintf("%+v", do(t, g, blackFriday[campaign.OpPrice])); strings.Contains(got, secret) {
			t.Errorf("%d: the key is in %s", code, got)
		}
	}
}

func TestKeyFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, " first\r\n")
	synctest.Test(t, func(t *testing.T) {
		k, err := openKey(file, "", "test")
		if err != nil {
			t.Fatal(err)
		}
		is := func(want Secret, version int) {
			t.Helper()
			time.Sleep(lookEvery)
			if got := k.current(); got.secret != want || got.version != version || got.bare.Get("X-Api-Key") != string(want) {
				t.Errorf("got %q version %d, want %q version %d", string(got.secret), got.version, string(want), version)
			}
		}
		is("first", 1)
		write(t, file, "second")
		is("second", 2)
		write(t, file, "second\n")
		is("second", 2)
		for _, bad := range []string{"", " \n", "two\nlines", "tab\tbed", "ké", strings.Repeat("x", 5000)} {
			write(t, file, bad)
			is("second", 2)
			if p := k.problem(); !strings.Contains(p, file) {
				t.Errorf("%q: problem is %q", bad, p)
			}
		}
		os.Remove(file)
		is("second", 2)
		write(t, file, "third")
		is("third", 3)
		if p := k.problem(); p != "" {
			t.Errorf("problem is still %q", p)
		}
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, empty, "\n")
	ok := Options{BaseURL: Production, Key: secret}
	tests := map[string]struct {
		change func(*Options)
		says   string
	}{
		"NoURL":       {func(o *Options) { o.BaseURL = "" }, "base URL is missing"},
		"RelativeURL": {func(o *Options) { o.BaseURL = "gateway/v1" }, "not of the form"},
		"OtherScheme": {func(o *Options) { o.BaseURL = "ftp://gateway" }, "not of the form"},
		"Query":       {func(o *Options) { o.BaseURL = Production + "?a=b" }, "not of the form"},
		"User":        {func(o *Options) { o.BaseURL = "https://user:0123456789@host" }, "has a user in it"},
		"Garbage":     {func(o *Options) { o.BaseURL = "http://user:0123456789@[::" }, "cannot be read"},
		"NoKey":       {func(o *Options) { o.Key = "" }, "neither a key file nor a usable key"},
		"BrokenKey":   {func(o *Options) { o.Key = "0123456789\n0123456789" }, "one line"},
		"TwoKeys":     {func(o *Options) { o.KeyFile = empty }, "one of them"},
		"NoFile":      {func(o *Options) { o.Key, o.KeyFile = "", filepath.Join(dir, "none") }, filepath.Join(dir, "none") + ": no such file"},
		"EmptyFile":   {func(o *Options) { o.Key, o.KeyFile = "", empty }, empty + ": it is empty"},
		"Folder":      {func(o *Options) { o.Key, o.KeyFile = "", dir }, dir},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := ok
			tt.change(&o)
			_, err := New(o)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "0123456789") {
				t.Errorf("got %v, want words about %q and not the key", err, tt.says)
			}
		})
	}
	g, err := New(ok)
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
}

// The whole of it: the key is revoked, consumption stops, the file is given
// another, it goes on.
func TestRevokedKeyStopsAndANewFileGoesOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, "old")
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "new" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, `{"id":1542,"status":1}`)
	}, func(o *Options) { o.Key, o.KeyFile = "", file })
	if !g.Pulling() {
		t.Fatal("not pulling at the start")
	}
	changed := g.Changed()
	if got := g.Probe(t.Context()); got.Kind != campaign.Unauthorised {
		t.Errorf("probe: %s", got.Kind)
	}
	<-changed
	if g.Authorised() || g.Pulling() {
		t.Error("still pulling with a wrong key")
	}
	write(t, file, "new")
	for {
		changed := g.Changed()
		if g.Pulling() {
			break
		}
		<-changed
	}
	if got := do(t, g, blackFriday[campaign.OpStatus]); got.Kind != campaign.OK {
		t.Errorf("got %s %s", got.Kind, got.Err)
	}
}
