package campaign_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestForget(t *testing.T) {
	t.Parallel()
	r := blackFriday()
	r.Description = "Reparto cardiologia"
	s := story(t, r, "asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "reload")
	before := s.c
	d := s.step(campaign.Forget{By: "anna"})
	after := reload(t, d.Next)
	record, err := json.Marshal(after)
	if err != nil || !d.Save || d.Call != nil {
		t.Fatalf("it is saved: %t, calls %v, error %v", d.Save, d.Call, err)
	}
	for _, gone := range []string{r.Name, r.Description, r.Text} {
		if strings.Contains(string(record), gone) {
			t.Errorf("the record still has %q", gone)
		}
	}
	if after.State != campaign.Completed || after.Quote.Price.Total.String() != before.Quote.Price.Total.String() || after.Confirmed == nil || after.Stats == nil || after.Forgotten.By != "anna" {
		t.Errorf("the proof is %+v", after)
	}
	other := r
	other.Text = "Another"
	if same, differs := after.Request.Diff(r), after.Request.Diff(other); len(same) != 0 || !slices.Equal(differs, []string{"name, description or text"}) {
		t.Errorf("the same request differs in %q, another one in %q", same, differs)
	}
	s.c = after
	if again := s.step(campaign.Forget{By: "bruno"}); again.Save || again.Refused != "" {
		t.Errorf("once more: %+v", again)
	}
	if before.Request.Text != r.Text {
		t.Error("what was loaded was changed")
	}
}
