package campaign_test

import (
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A proof is of the quote that the campaign waits with, once for each ordinal; to ask for it
// again is the same as once, and nothing else of the campaign changes.
func TestProof(t *testing.T) {
	t.Parallel()
	waiting := func(t *testing.T) (w *journey, quote string) {
		w = newJourney(t)
		r := blackFriday()
		r.Limits.Approval = true
		w.ask(r)
		if w.c.State != campaign.Quoted {
			t.Fatalf("it is %s", w.c.State)
		}
		return w, campaign.QuoteID(w.c.Request, *w.c.Quote)
	}
	prove := func(quote string, n int, digest string) campaign.Prove {
		return campaign.Prove{QuoteID: quote, N: n, By: "anna", Phones: 2, People: campaign.Audience{Digest: digest, Size: 80, Chunks: 1, Format: campaign.CSV}}
	}

	t.Run("IsACampaignOfItsOwn", func(t *testing.T) {
		t.Parallel()
		w, quote := waiting(t)
		state, wake := w.c.State, w.c.Wake
		w.in(prove(quote, 1, "ab"))
		if w.refused != "" || len(w.c.Proofs) != 1 || w.c.State != state || !w.c.Wake.Equal(wake) {
			t.Fatalf("refused %q; %d proofs; %s until %s", w.refused, len(w.c.Proofs), w.c.State, w.c.Wake)
		}
		p := w.c.Proofs[0]
		r := p.Request(w.c)
		if r.Text != w.c.Request.Text || r.Sender != w.c.Request.Sender || r.Audience.Digest != "ab" || r.ListID != 0 || r.Limits.Approval || r.Scheduled() {
			t.Errorf("what is asked for is %+v", r)
		}
		// Two phones, one part each as in the quote, and room for one more.
		if want := eur("0.14"); !r.Limits.MaxTotal.Equal(want) || !r.ExpiresAt.Equal(w.c.Need.Until) {
			t.Errorf("for %s at most, until %s; want %s until %s", r.Limits.MaxTotal, r.ExpiresAt, want, w.c.Need.Until)
		}
		other := campaign.Key{Source: key.Source, RequestID: "another"}
		if err := campaign.ValidToken(p.Key(key).RequestID, campaign.TokenLength); err != nil || p.Key(key) == p.Key(other) {
			t.Errorf("its key is %s (%v), that of another campaign with the same quote %s", p.Key(key), err, p.Key(other))
		}
	})
	t.Run("AskedForAgainIsTheSame", func(t *testing.T) {
		t.Parallel()
		w, quote := waiting(t)
		w.in(prove(quote, 1, "ab"))
		w.in(prove(quote, 1, "ab"))
		if w.refused != "" || len(w.c.Proofs) != 1 {
			t.Errorf("refused %q; %d proofs", w.refused, len(w.c.Proofs))
		}
		w.in(campaign.Approve{QuoteID: quote, By: "anna"})
		w.in(prove(quote, 1, "ab")) // its answer was lost, and it comes once more
		if w.refused != "" || len(w.c.Proofs) != 1 {
			t.Errorf("after the approval: refused %q; %d proofs", w.refused, len(w.c.Proofs))
		}
	})
	t.Run("IsRefused", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			name, want string
			first      bool // it has had one
			in         func(quote string) campaign.Prove
		}{
			{"OfAnotherQuote", "is not the one that campaign", false, func(string) campaign.Prove { return prove("0123456789abcdef", 1, "ab") }},
			{"ToOthersUnderItsNumber", "was asked for already, by anna: it is campaign shop-italia.proof-", true, func(quote string) campaign.Prove { return prove(quote, 1, "cd") }},
			{"OutOfTurn", "so the next one is 2, not 3", true, func(quote string) campaign.Prove { return prove(quote, 3, "cd") }},
		} {
			w, quote := waiting(t)
			if test.first {
				w.in(prove(quote, 1, "ab"))
			}
			had := len(w.c.Proofs)
			if w.in(test.in(quote)); !strings.Contains(w.refused, test.want) || len(w.c.Proofs) != had {
				t.Errorf("%s: refused %q, want %q; %d proofs", test.name, w.refused, test.want, len(w.c.Proofs))
			}
		}
		w, quote := waiting(t)
		for n := 1; n <= 10; n++ {
			if w.in(prove(quote, n, strings.Repeat("a", n))); w.refused != "" {
				t.Fatalf("proof %d is refused: %s", n, w.refused)
			}
		}
		if w.in(prove(quote, 11, "b")); !strings.Contains(w.refused, "has had 10 proofs") {
			t.Errorf("the eleventh: refused %q", w.refused)
		}
	})
	t.Run("IsOfWhoeverAskedForIt", func(t *testing.T) {
		t.Parallel()
		w, quote := waiting(t)
		w.in(prove(quote, 1, "ab"))
		for _, test := range []struct {
			a    campaign.Approve
			want int
		}{
			{campaign.Approve{QuoteID: quote, By: "anna"}, 1},
			{campaign.Approve{QuoteID: quote, By: "bruno"}, 0},
			{campaign.Approve{QuoteID: quote, By: "anna", Actor: "support"}, 0}, // proven, and the proof's anna was not
			{campaign.Approve{QuoteID: "0123456789abcdef", By: "anna"}, 0},
		} {
			if got := w.c.Proven(test.a); len(got) != test.want {
				t.Errorf("%+v has seen %d proofs, want %d", test.a, len(got), test.want)
			}
		}
	})
}
