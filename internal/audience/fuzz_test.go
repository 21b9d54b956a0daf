package audience_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

var (
	e164   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	number = regexp.MustCompile(`[0-9]{7}`)
)

// Whatever a file holds: who gets a message has a number, once; everybody who was given is
// counted; and no error says a number.
func FuzzFromCSV(f *testing.F) {
	there, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range there {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 4<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := audience.Wish{Region: "IT", Fields: []string{"code"}, Lacks: campaign.Empty}
		var file bytes.Buffer
		left := int64(0)
		got, err := audience.Prepare(audience.FromCSV(bytes.NewReader(data), w.Fields), w, &file, func(l audience.Left) {
			left++
			if number.MatchString(l.Why) {
				t.Errorf("why it is left out says a number: %q", l.Why)
			}
		})
		if err != nil {
			if number.MatchString(strings.ReplaceAll(err.Error(), "1000000", "")) {
				t.Errorf("the error says a number: %v", err)
			}
			return
		}
		if got.Given != got.Valid+left {
			t.Errorf("%d given, %d valid, %d left out", got.Given, got.Valid, left)
		}
		rows, err := csv.NewReader(&file).ReadAll()
		if err != nil {
			t.Fatalf("what is uploaded is no CSV: %v", err)
		}
		seen := map[string]bool{}
		for _, row := range rows[1:] {
			if len(row) != 2 || !e164.MatchString(row[0]) || seen[row[0]] {
				t.Errorf("uploaded: %q", row)
			}
			seen[row[0]] = true
		}
		if int64(len(seen)) != got.Valid {
			t.Errorf("%d are uploaded, %d valid", len(seen), got.Valid)
		}
	})
}
