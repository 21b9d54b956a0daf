package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Stored records live for ever: what a version has ever stored, each later one must
// read, and keep what it says. testdata/README.md says which versions are there.
func TestStoredRecordsStayReadable(t *testing.T) {
	t.Parallel()
	for _, file := range goldenFiles(t, "records") {
		t.Run(nameOf(file), func(t *testing.T) {
			stored := contents(t, file)
			c, err := DecodeRecord(goldenKey(t, stored), stored)
			if err != nil {
				t.Fatal(err)
			}
			// One that is over and told need not be woken; every other one must be,
			// but for those that the first versions had not told yet.
			over := c.State.Final() && len(c.Outbox) == 0
			if !slices.Contains(campaign.States, c.State) || c.Key.Validate() != nil || over && !c.Wake.IsZero() || !c.State.Final() && c.Wake.IsZero() {
				t.Errorf("it is %q of %q, to be woken at %s", c.State, c.Key, c.Wake)
			}
			for _, e := range c.Outbox {
				m, err := contract.EventEnvelope(c, e)
				if err != nil {
					t.Errorf("the %s that it owes cannot be told any more: %v", e.Type, err)
					continue
				}
				told := filepath.Join("testdata", "events", filepath.Base(filepath.Dir(file)), strings.TrimPrefix(m.Subject, streams.EventPrefix+c.Key.Source+".")+".json")
				if _, err := os.Stat(told); err != nil {
					continue // a version of which only the records are there
				}
				was := readEvent(t, told)
				if diff := cmp.Diff(was.Header, nats.Header(m.Header)); was.Subject != m.Subject || diff != "" {
					t.Errorf("%s is told as %s (-then +now):\n%s", was.Subject, m.Subject, diff)
				}
				if missing := missing("", bodyOf(t, was.Header, was.Data), bodyOf(t, m.Header, m.Data)); len(missing) > 0 {
					t.Errorf("%s is told without %q", m.Subject, missing)
				}
			}
			again, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if missing := missing("", decoded(t, stored), decoded(t, again)); len(missing) > 0 {
				t.Errorf("saved again it does not say any more: %q", missing)
			}
		})
	}
}

// goldenKey is the key under which a record was stored: the files say it inside only.
func goldenKey(t *testing.T, stored []byte) (key campaign.Key) {
	t.Helper()
	var c struct {
		Key *campaign.Key `json:"key"`
	}
	c.Key = &key
	if err := json.Unmarshal(stored, &c); err != nil {
		t.Fatal(err)
	}
	return key
}

// Whoever watches, or asks why, reads what an earlier version told.
func TestStoredEventsStayReadable(t *testing.T) {
	t.Parallel()
	for _, file := range goldenFiles(t, "events") {
		t.Run(nameOf(file), func(t *testing.T) {
			stored := readEvent(t, file)
			event, err := contract.StoredEventOf(stored.Subject, stored.Header, stored.Data, 0, time.Time{})
			if err != nil || event.Message == nil {
				t.Fatalf("%s: %v", event.Subject, err)
			}
			if unknown := event.Message.ProtoReflect().GetUnknown(); len(unknown) > 0 {
				t.Errorf("%s has fields that nobody knows any more: %x", event.Subject, unknown)
			}
			e, ok := event.Event()
			if id := streams.EventPrefix + contract.EventID(event.Key, e); !ok || id != event.Subject {
				t.Errorf("%s is read as %s, %t", event.Subject, id, ok)
			}
		})
	}
}

// What is read is worth something only if everything is among it.
func TestGoldenFilesCoverTheContract(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, file := range goldenFiles(t, "records") {
		record := decoded(t, contents(t, file)).(map[string]any)
		have["state "+record["state"].(string)] = true
		for name := range record {
			have[name] = true
		}
	}
	for _, file := range goldenFiles(t, "events") {
		stored := readEvent(t, file)
		event, err := contract.StoredEventOf(stored.Subject, stored.Header, stored.Data, 0, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		have["event "+event.Type] = true
	}
	want := []string{"approval", "budgeted", "cancel", "confirmed", "hold", "not_before", "progress", "quote", "reason", "resolved", "stats", "traceparent"}
	for _, s := range campaign.States {
		want = append(want, "state "+string(s))
	}
	for _, e := range campaign.EventTypes {
		want = append(want, "event "+string(e))
	}
	for _, what := range want {
		if !have[what] {
			t.Errorf("nothing in testdata has: %s", what)
		}
	}
}

func goldenFiles(t *testing.T, what string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", what, "*", "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d %s: %v", len(files), what, err)
	}
	return files
}

func nameOf(file string) string { return filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file) }

func contents(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// storedEvent is an event as the stream had it.
type storedEvent struct {
	Subject string      `json:"subject"`
	Header  nats.Header `json:"header"`
	Data    []byte      `json:"data"`
}

func readEvent(t *testing.T, file string) (e storedEvent) {
	t.Helper()
	if err := json.Unmarshal(contents(t, file), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// bodyOf is what the body of an event says, by its fields' names.
func bodyOf(t *testing.T, h nats.Header, body []byte) any {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(h.Get("ce-type")))
	if err != nil {
		t.Fatal(err)
	}
	m := kind.New().Interface()
	if err := proto.Unmarshal(body, m); err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, text)
}

func decoded(t *testing.T, record []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(record, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// missing are the paths at which a value was, and is not, or is another one. What was
// added is nobody's loss.
func missing(path string, before, after any) (paths []string) {
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for name, v := range b {
			paths = append(paths, missing(path+"."+name, v, a[name])...)
		}
	case []any:
		a, _ := after.([]any)
		for i, v := range b {
			paths = append(paths, missing(fmt.Sprintf("%s[%d]", path, i), v, append(a, make([]any, len(b))...)[i])...)
		}
	default:
		if before != after {
			paths = append(paths, path)
		}
	}
	return paths
}

// What somebody wrote as their name before subjects named an actor stays what it was: a
// name that nobody has proven.
func TestARecordFromBeforeBearsNoActor(t *testing.T) {
	t.Parallel()
	named := 0
	for _, file := range goldenFiles(t, "records") {
		if v := filepath.Base(filepath.Dir(file)); v != "5492e7d" && v != "218c012" {
			continue // those of later versions may bear one; these are from before
		}
		stored := contents(t, file)
		c, err := DecodeRecord(goldenKey(t, stored), stored)
		if err != nil {
			t.Fatal(err)
		}
		actors := map[string]string{} // by name
		if c.Cancel != nil {
			actors[c.Cancel.By] = c.Cancel.Actor
		}
		if c.Approval != nil {
			actors[c.Approval.By] = c.Approval.Actor
		}
		if c.Resolved != nil {
			actors[c.Resolved.By] = c.Resolved.Actor
		}
		for by, actor := range actors {
			if named++; by == "" || actor != "" {
				t.Errorf("%s: by %q, proven to be %q", nameOf(file), by, actor)
			}
		}
	}
	if named < 3 {
		t.Errorf("%d names in the records of before, too few to show anything", named)
	}
}
