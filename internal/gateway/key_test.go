package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const secret, address = "pg_live_0123456789", "https://gateway.example/api/v1"

// bears is how a key travels.
func bears(key Secret) http.Header { return http.Header{"X-Api-Key": {string(key)}} }

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

func TestKeyFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, " first\r\n")
	synctest.Test(t, func(t *testing.T) {
		k, err := openKey(file, "", bears)
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
	ok := Options{Vendor: Vendor{Header: bears, Caller: func(*Line) Caller { return nil }}, BaseURL: address, Key: secret}
	tests := map[string]struct {
		change func(*Options)
		says   string
	}{
		"NoVendor":    {func(o *Options) { o.Vendor = Vendor{} }, "no vendor"},
		"NoURL":       {func(o *Options) { o.BaseURL = "" }, "base URL is missing"},
		"RelativeURL": {func(o *Options) { o.BaseURL = "gateway/v1" }, "not of the form"},
		"OtherScheme": {func(o *Options) { o.BaseURL = "ftp://gateway" }, "not of the form"},
		"Query":       {func(o *Options) { o.BaseURL = address + "?a=b" }, "not of the form"},
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
