package runnertest

import (
	"cmp"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Fault is what goes wrong with one call. The zero Fault is nothing.
type Fault struct {
	Break Break
	HTTP  int           // Refused, Unauthorised: the status code; Lost, ReplyLost: what was answered instead, if anything
	After time.Duration // Late: when the call takes effect; Throttled, Unauthorised, NotAttempted: RetryAfter
}

// Break is the way in which a call goes wrong.
type Break string

const (
	None Break = ""
	// Lost: the call never arrives, and its caller cannot know.
	Lost Break = "lost"
	// ReplyLost: it takes effect, and the answer is lost.
	ReplyLost Break = "reply lost"
	// Late: its caller gives up; it takes effect After that.
	Late Break = "late"
	// Repeated: something on the way sends it twice. It takes effect, and the
	// answer is the answer to the second one.
	Repeated Break = "repeated"
	// Refused: the gateway says no, with HTTP as its reason. No effect.
	Refused Break = "refused"
	// NotAttempted: it does not leave.
	NotAttempted Break = "not attempted"
	// Throttled: 429. No effect.
	Throttled Break = "throttled"
	// Hollow: a success that says nothing, and did nothing.
	Hollow Break = "success without effect"
	// Unfound: a 404 for what is there, in the gateway's own words. No effect.
	Unfound Break = "a false 404"
	// Unauthorised: 401, if not told otherwise. No effect.
	Unauthorised Break = "unauthorised"
)

// broken makes a call in the way the fault says.
func (g *Gateway) broken(call campaign.Call, f Fault, now time.Time) campaign.Outcome {
	silence := campaign.Outcome{Kind: campaign.Unavailable, Cause: causeOf(f.HTTP, ""), HTTP: f.HTTP, Err: "no answer"}
	switch f.Break {
	case Lost:
		return silence
	case ReplyLost:
		g.effect(call, now)
		return silence
	case Late:
		g.delay(call, now.Add(f.After))
		return silence
	case Repeated:
		g.effect(call, now)
		return g.effect(call, now)
	case Refused:
		return campaign.Outcome{Kind: campaign.Refused, Cause: causeOf(f.HTTP, ""), HTTP: f.HTTP, Words: "it is refused"}
	case Hollow:
		return yes
	case Unfound:
		return g.unseen(call)
	case NotAttempted:
		return campaign.Outcome{Kind: campaign.NotAttempted, Err: "the call did not leave", RetryAfter: f.After}
	case Throttled:
		return campaign.Outcome{Kind: campaign.Throttled, HTTP: 429, Words: "too many requests", RetryAfter: f.After}
	case Unauthorised:
		words := "unknown key"
		if f.HTTP != 0 {
			words = "nothing is there"
		}
		return campaign.Outcome{Kind: campaign.Unauthorised, Cause: causeOf(f.HTTP, ""), HTTP: cmp.Or(f.HTTP, 401), Words: words, RetryAfter: f.After}
	}
	return g.effect(call, now)
}

// causeOf sorts a number as the specification has it.
func causeOf(code int, field string) campaign.Cause {
	switch {
	case code == 402, code == 400 && field == "credit":
		return campaign.NoCredit
	case code == 403:
		return campaign.Forbidden
	case code == 404:
		return campaign.NotFound
	case code == 405:
		return campaign.Unsupported
	case code >= 500:
		return campaign.Failing
	}
	return ""
}
