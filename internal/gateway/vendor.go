package gateway

import (
	"context"
	"net/http"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Vendor is one vendor's API. A package beside this one implements it, and a line in
// app gives it a name.
type Vendor struct {
	// Header is what every request bears: the key above all. It is asked once for
	// each key, and what it answered is not changed.
	Header func(key Secret) http.Header
	// Caller speaks the API over a line.
	Caller func(*Line) Caller
}

// Caller makes a vendor's calls, and sorts the answers into outcomes: kind, cause, and
// what they say. It is safe for concurrent use, and repeats nothing.
//
// Every request is one [Line.Do]. The permit for the first request of a call has been
// taken; each further one needs a [Line.Admit]. The caller of this port finds out
// whether a Forbidden is about the campaign or about the key, and whether a NotFound
// comes from a gateway at all.
type Caller interface {
	// Call makes the call that the value describes.
	Call(ctx context.Context, call campaign.Call) campaign.Outcome
	// Probe makes one harmless request, which is about no campaign.
	Probe(ctx context.Context) campaign.Outcome
	// Search shows a page of the campaigns whose name or description holds the text,
	// from 0. A vendor without a search answers Unsupported.
	Search(ctx context.Context, text string, page int) (Page, campaign.Outcome)
}

// Requests that are no call of a campaign have names of their own in outcomes.
const (
	OpProbe  campaign.Op = "probe"
	OpSearch campaign.Op = "search"
)

// Found is a campaign as a search shows it. What it does not say is empty.
type Found struct {
	ID          int64
	Name        string
	Description string
	Status      campaign.Status
}

// Page is one page of a search.
type Page struct {
	Found []Found
	Last  bool   // it says that it is the last one
	Total *int64 // how many there are on all pages; nil: it does not say
}

// StatusLine is a status code in words: "404 Not Found".
func StatusLine(code int) string {
	text := http.StatusText(code)
	if text == "" {
		return strconv.Itoa(code)
	}
	return strconv.Itoa(code) + " " + text
}
