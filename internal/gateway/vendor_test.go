package gateway_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// telegraph is a second vendor, which shares no word and no number with the first: one
// path, the call's name as the body, the key as a bearer token.
type telegraph struct{ line *gateway.Line }

var telegraphs = gateway.Vendor{
	Header: func(key gateway.Secret) http.Header {
		return http.Header{"Authorization": {"Bearer " + string(key)}}
	},
	Caller: func(line *gateway.Line) gateway.Caller { return telegraph{line} },
}

func (v telegraph) say(ctx context.Context, op campaign.Op) campaign.Outcome {
	return v.line.Do(ctx, gateway.Request{Op: op, Method: http.MethodPost, Path: "/wire", Body: []byte(op)},
		func(out *campaign.Outcome, a gateway.Answer) error {
			out.Words = string(a.Body)
			switch a.Code {
			case 200:
				out.Kind = campaign.OK
			case 410:
				out.Kind, out.Cause = campaign.Refused, campaign.NotFound
			case 419:
				out.Kind = campaign.Throttled
			case 423:
				out.Kind, out.Cause = campaign.Refused, campaign.Forbidden
			default:
				out.Kind, out.Cause = campaign.Unavailable, campaign.Failing
			}
			return nil
		})
}

func (v telegraph) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	return v.say(ctx, call.Op)
}
func (v telegraph) Probe(ctx context.Context) campaign.Outcome { return v.say(ctx, gateway.OpProbe) }
func (v telegraph) Search(ctx context.Context, _ string, _ int) (gateway.Page, campaign.Outcome) {
	return gateway.Page{}, v.say(ctx, gateway.OpSearch)
}

// A second vendor's package has only what is said, and nothing of when it may be said.
func TestASecondVendorHasTheSameLayers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		says  map[campaign.Op]int // by the call; 200 to all others
		op    campaign.Op
		want  campaign.Kind
		check func(*testing.T, *gateway.Gateway, campaign.Outcome)
	}{
		"AnAnswer": {nil, campaign.OpPrice, campaign.OK, nil},
		"AWrongAddress": {map[campaign.Op]int{campaign.OpCreate: 410, gateway.OpProbe: 410}, campaign.OpCreate, campaign.Unauthorised,
			func(t *testing.T, g *gateway.Gateway, _ campaign.Outcome) {
				if got := g.BadSetting(); got != gateway.WrongURL {
					t.Errorf("misset is %q", got)
				}
			}},
		"AKeyThatIsNotAccepted": {map[campaign.Op]int{campaign.OpPrice: 423, gateway.OpProbe: 423}, campaign.OpPrice, campaign.Unauthorised,
			func(t *testing.T, g *gateway.Gateway, _ campaign.Outcome) {
				if got := g.BadSetting(); got != gateway.WrongKey {
					t.Errorf("misset is %q", got)
				}
			}},
		"ACampaignThatMayNot": {map[campaign.Op]int{campaign.OpPrice: 423}, campaign.OpPrice, campaign.Refused, nil},
		"TooManyCalls": {map[campaign.Op]int{campaign.OpPrice: 419}, campaign.OpPrice, campaign.Throttled,
			func(t *testing.T, _ *gateway.Gateway, out campaign.Outcome) {
				if out.RetryAfter != 10*time.Second {
					t.Errorf("retry after %s, want 10s", out.RetryAfter)
				}
			}},
		"NoAnswer": {map[campaign.Op]int{campaign.OpPrice: 500}, campaign.OpPrice, campaign.Unavailable,
			func(t *testing.T, g *gateway.Gateway, _ campaign.Outcome) {
				if got := g.BreakerState(); got != "open" {
					t.Errorf("the breaker is %s", got)
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := openUnproven(t, func(w http.ResponseWriter, r *http.Request) {
				said, _ := io.ReadAll(r.Body)
				if r.Header.Get("Authorization") != "Bearer "+secret || r.URL.Path != "/api/partner-gateway/v1/wire" {
					t.Errorf("%s %s of %q", r.Method, r.URL, r.Header)
				}
				if code := tt.says[campaign.Op(said)]; code != 0 {
					w.WriteHeader(code)
				}
			}, func(o *gateway.Options) { o.Vendor, o.BreakerFailures = telegraphs, 1 })
			out := do(t, g, campaign.Call{Op: tt.op, CampaignID: 1542})
			if out.Kind != tt.want {
				t.Errorf("%s: got %s %s, want %s", tt.op, out.Kind, out.Err, tt.want)
			}
			if tt.check != nil {
				tt.check(t, g, out)
			}
		})
	}
}
