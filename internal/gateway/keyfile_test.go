package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write("linked", "key-one-two\n", 0o600), link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, note, err string }{
		{"Ours", write("ours", "key-one-two\n", 0o600), "", ""},
		{"OurGroups", write("group", "key-one-two\n", 0o640), "", ""},
		{"Everybodys", write("all", "key-one-two\n", 0o644), "(mode 0644): chmod 600", ""},
		{"ALink", link, "", ""},
		{"APipe", pipe, "", "no regular file"}, // without a writer: it does not wait
		{"AFolder", dir, "", "no regular file"},
		{"AFilm", write("film", strings.Repeat("x", maxKeyFile+1), 0o600), "", "65537 bytes"},
		{"Nothing", write("nothing", "\n", 0o600), "", "it is empty"},
		{"NoFile", filepath.Join(dir, "none"), "", "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, note, err := ReadKeyFile(test.path)
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), test.path) {
					t.Errorf("got error %v, want one with the path and %q", err, test.err)
				}
			case err != nil, string(key) != "key-one-two", (note == "") != (test.note == ""), !strings.Contains(note, test.note):
				t.Errorf("read %q with the note %q, error %v; want the key and the note %q", string(key), note, err, test.note)
			}
		})
	}
}

// A key of any length is removed from words; a short one stays within other words.
func TestRedactAnyLength(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, words, want string }{
		{"key-one-two", "no key-one-two here, key-one-two!", "no *** here, ***!"},
		{"abc", `key "abc" is not abcd, xabc, abc`, `key "***" is not abcd, xabc, ***`},
		{"abc", "abc abc", "*** ***"},
		{"abc", "abcabc", "abcabc"},
		{"abc", "nothing", "nothing"},
	} {
		if got := newCredential(Secret(test.key), 1, bears).redact(test.words); got != test.want {
			t.Errorf("of %q remains %q, want %q", test.words, got, test.want)
		}
	}
}

func TestUnprotected(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://gateway.example/v1": true, "HTTP://gateway.example/v1": true, "http://10.0.0.7:8090/v1": true, "http://127.0.0.1.example/v1": true,
		"https://gateway.example/v1": false, "http://127.0.0.1:8090/v1": false, "http://[::1]:8090/v1": false, "http://localhost/v1": false,
	} {
		if got := Unprotected(url); got != want {
			t.Errorf("%s: %t, want %t", url, got, want)
		}
		_, err := New(Options{Vendor: Vendor{Header: bears, Caller: func(*Line) Caller { return nil }}, BaseURL: url, Key: "sandbox-key"})
		if refused := err != nil && strings.Contains(err.Error(), "gateway.insecure"); refused != want {
			t.Errorf("%s: a client was refused: %t, %v", url, refused, err)
		}
	}
}
