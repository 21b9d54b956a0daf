package app_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Whoever begins to ask and does not go on is sent away, however many they are, and
// the others are answered.
func TestTheOperatorsPagesEndWhoDoesNotGoOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.options()
	o.Listen = "127.0.0.1:0"
	a, _ := b.run(o)
	for range 80 { // more than are served at once
		c, err := net.Dial("tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\n"); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(25 * time.Second))
		defer func() {
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("a connection that says nothing more is kept")
			}
		}()
	}
	if code, _ := get(t, a, "/livez"); code != 200 {
		t.Errorf("/livez answers %d", code)
	}
}
