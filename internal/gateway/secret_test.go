package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

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

// The whole story: the key is revoked, consumption stops, the file gets another key,
// and consumption goes on.
func TestRevokedKeyStopsAndANewFileGoesOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	gateway.WriteKey(t, file, "old")
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "new" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, `{"id":1542,"status":1}`)
	}, func(o *gateway.Options) { o.Key, o.KeyFile = "", file })
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
	gateway.WriteKey(t, file, "new")
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
