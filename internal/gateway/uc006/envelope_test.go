package uc006

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// A refusal is believed in the gateway's own shapes, of whichever call it is; in
// any other it is no answer, and says so.
func TestRefusalHasTheGatewaysShape(t *testing.T) {
	t.Parallel()
	const problem = "application/problem+json"
	own := []struct{ name, media, body, field, words string }{
		{"JSendFail", "", seed(t, "no_list"), "contactListId", "Contact list is required before calculating cost"},
		{"JSendFailOfNothing", "", `{"status":"fail","data":{}}`, "", `{"status":"fail","data":{}}`},
		{"JSendError", "", `{"status":"error","message":"no","code":9}`, "", "no (code 9)"},
		{"Spring", "application/json", `{"timestamp":"2026-04-09","status":409,"error":"Conflict","path":"/x"}`, "", "Conflict"},
		{"SpringWithAMessage", "", `{"status":409,"message":"not now"}`, "", "not now"},
		{"Problem", problem, `{"title":"Conflict","detail":"It is being sent"}`, "", "It is being sent"},
		{"ProblemWithACharset", problem + "; charset=utf-8", `{"title":"Conflict"}`, "", "Conflict"},
		{"ProblemByItsType", "", `{"type":"about:blank","title":"Conflict","status":409}`, "", "Conflict"},
	}
	foreign := []struct{ name, media, body string }{
		{"Empty", "", ""}, {"Blank", "", " \n"}, {"HTML", "text/html", "<html><title>409 Conflict</title>"},
		{"EmptyObject", "", "{}"}, {"EmptyArray", "", "[]"}, {"Null", "", "null"}, {"Text", "text/plain", "no"}, {"QuotedText", "", `"no"`}, {"Number", "", "409"}, {"True", "", "true"},
		{"BrokenJSON", "", seed(t, "no_list")[:40]}, {"TwoObjects", "", `{"status":"fail","data":{}}{}`}, {"Array", "", `[{"status":"fail","data":{}}]`},
		{"OtherObject", "", `{"reason":"because"}`}, {"OnlyAMessage", "", `{"message":"no"}`}, {"OnlyAnError", "", `{"error":"Conflict"}`}, {"OnlyAStatus", "", `{"status":409}`},
		{"StatusAsText", "", `{"status":"409","error":"Conflict"}`}, {"EmptyMessage", "", `{"status":409,"message":""}`}, {"SpringOfNull", "", `{"status":null,"error":"Conflict"}`},
		{"FailWithoutData", "", `{"status":"fail"}`}, {"FailWithText", "", `{"status":"fail","data":"no"}`}, {"FailWithNull", "", `{"status":"fail","data":null}`},
		{"ErrorWithoutAMessage", "", `{"status":"error"}`}, {"Success", "", `{"status":"success","data":{}}`},
		{"EmptyProblem", problem, "{}"}, {"ProblemThatIsNone", problem, "<html>"}, {"ProblemWithoutWords", problem, `{"status":409}`}, {"OnlyATitle", "", `{"title":"Conflict"}`},
		{"ACampaign", "", seed(t, "created")},
		{"OwnWithoutAllMembers", "", `{"errorCode":7}`}, {"OwnInside", "", `{"data":{"errorCode":7,"errorText":"no"}}`},
	}
	says := func(media, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "page=0&limit=1" {
				return
			}
			if media != "" {
				w.Header().Set("Content-Type", media)
			}
			w.WriteHeader(409)
			io.WriteString(w, body)
		}
	}
	envelope := func(o *Options) { o.Envelope = []string{"errorCode", "errorText"} }
	for op, call := range blackFriday {
		for _, tt := range own {
			got := do(t, open(t, says(tt.media, tt.body), envelope), call)
			if got.Kind != campaign.Refused || got.Unshaped || got.HTTP != 409 || got.Field != tt.field || got.Words != tt.words || !got.Answered.IsZero() {
				t.Errorf("%s, %s: got %s, unshaped %v, %s %q, want refused %s %q", op, tt.name, got.Kind, got.Unshaped, got.Field, got.Words, tt.field, tt.words)
			}
		}
		for _, tt := range foreign {
			got := do(t, open(t, says(tt.media, tt.body), envelope), call)
			if got.Kind != campaign.Unavailable || !got.Unshaped || got.HTTP != 409 || got.Field+got.Words != "" || !strings.HasPrefix(got.Err, "the gateway answered 409 Conflict without a reason") {
				t.Errorf("%s, %s: got %s, unshaped %v, %d %q %q, want no answer", op, tt.name, got.Kind, got.Unshaped, got.HTTP, got.Words, got.Err)
			}
			if text := gateway.Plain(tt.body); strings.TrimSpace(text) != "" && !strings.Contains(got.Err, "; it begins: "+gateway.Cut(gateway.Clean(text), 80)) {
				t.Errorf("%s, %s: %q does not show how it begins", op, tt.name, got.Err)
			}
		}
	}
	for name, body := range map[string]string{"AllMembers": `{"errorText":"no","errorCode":7}`, "MoreMembers": `{"errorText":null,"errorCode":7,"more":[]}`} {
		g := open(t, says("", body), envelope)
		if got := do(t, g, blackFriday[campaign.OpConfirm]); got.Kind != campaign.Refused || got.Unshaped {
			t.Errorf("%s of the operator's envelope: got %s", name, got.Kind)
		}
		if got := do(t, open(t, says("", body)), blackFriday[campaign.OpConfirm]); got.Kind != campaign.Unavailable {
			t.Errorf("%s, and nobody said so: got %s", name, got.Kind)
		}
	}
}

// The key is not shown in what is quoted of an answer.
func TestForeignRefusalDoesNotShowTheKey(t *testing.T) {
	t.Parallel()
	got := do(t, open(t, answers(409, "no such key: "+secret)), blackFriday[campaign.OpPrice])
	if !got.Unshaped || strings.Contains(got.Err, secret) {
		t.Errorf("got %q", got.Err)
	}
}

func TestParseEnvelope(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", " ": "", "errorCode": "errorCode", " errorCode , errorText": "errorCode|errorText"} {
		if got, err := ParseEnvelope(text); err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"a,,b": "a name is empty", ",": "a name is empty", `{"a":1}`: "is no name", `"a"`: "is no name"} {
		if _, err := ParseEnvelope(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
