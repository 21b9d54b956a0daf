package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Stored records live for ever: what a version has ever stored, each later one must
// read, and keep what it says. testdata/records has a folder for each version, by
// its commit, with one record of each state as it lay in the stream. Add folders,
// never change one.
func TestStoredRecordsStayReadable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/records/*/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d records: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			stored, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := decodeRecord(stored)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(campaign.States, c.State) || c.Key.Validate() != nil || c.State.Final() != c.Wake.IsZero() {
				t.Errorf("it is %q of %q, to be woken at %s", c.State, c.Key, c.Wake)
			}
			for _, e := range c.Outbox {
				if _, err := eventMessage(c, e); err != nil {
					t.Errorf("the %s that it owes cannot be told any more: %v", e.Type, err)
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
