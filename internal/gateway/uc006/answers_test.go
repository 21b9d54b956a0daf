package uc006

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// wordless are the bodies of a 2xx that say nothing of what it did.
func wordless() map[string]string {
	return map[string]string{
		"empty": "", "an empty object": "{}", "null": "null", "an empty array": "[]", "an array": `[{"id":1542,"status":"CONFIRMED"}]`,
		"true": "true", "OK": "OK", "quoted OK": `"OK"`, "a quoted status": `"CONFIRMED"`, "a number": "1",
		"success false": `{"success":false}`, "success true": `{"success":true}`, "only its id": `{"id":1542}`, "only its id as text": `{"id":"1542"}`,
		"a status that is null": `{"id":1542,"status":null}`, "a status that is empty": `{"status":""}`, "a status that is an object": `{"status":{"name":"CONFIRMED"}}`,
		"a status that is true": `{"status":true}`, "a status that is an array": `{"status":["CONFIRMED"]}`,
		"an id nobody can read": `{"id":"lst_1","status":"CONFIRMED"}`, "half an id": `{"id":1542.5,"status":"CONFIRMED"}`,
		"broken JSON": `{"id":1542,"status":"CONFIRMED"`, "two objects": `{"id":1542,"status":"CONFIRMED"}{}`,
		"an endless object":         `{"id":1542,"status":"CONFIRMED"` + strings.Repeat(" ", gateway.MaxBody) + `}`,
		"an object that never ends": `{"id":1542,"status":"CONFIRMED"}` + strings.Repeat(" ", gateway.MaxBody),
	}
}

// statusWords are all ways to say where a campaign stands.
var statusWords = map[string]campaign.Status{
	`"DRAFT"`: campaign.StatusUnconfirmed, `"CONFIGURED"`: campaign.StatusUnconfirmed, `"COST_CALCULATED"`: campaign.StatusUnconfirmed, `0`: campaign.StatusUnconfirmed,
	`"CONFIRMED"`: campaign.StatusConfirmed, `"Confirmed"`: campaign.StatusConfirmed, `1`: campaign.StatusConfirmed, `"1"`: campaign.StatusConfirmed, `1.0`: campaign.StatusConfirmed,
	`"SENDING"`: campaign.StatusSending, `2`: campaign.StatusSending,
	`"COMPLETED"`: campaign.StatusCompleted, `3`: campaign.StatusCompleted,
	`"FAILED"`: campaign.StatusFailed, `4`: campaign.StatusFailed,
	`"PAUSED"`: campaign.StatusUnknown, `"REJECTED"`: campaign.StatusUnknown, `"success"`: campaign.StatusUnknown, `5`: campaign.StatusUnknown, `-1`: campaign.StatusUnknown, `1.5`: campaign.StatusUnknown,
}

// noSuccess are the bodies that contradict their 2xx, or are not the gateway's, to
// any call.
func noSuccess() map[string]string {
	return map[string]string{
		"JSend fail": `{"status":"fail","data":{"name":"taken"}}`, "JSend error": `{"status":"error","message":"no"}`, "loud": `{"status":"FAIL"}`,
		"fail with an id nobody can read": `{"id":"lst_1","status":"fail"}`,
		"a web page":                      "<html>", "a web page with space before it": " \n<!doctype", "an endless web page": "<p>" + strings.Repeat(" ", gateway.MaxBody),
		"another campaign": `{"id":7,"status":"CONFIRMED"}`, "another campaign as text": `{"id":"7"}`, "another campaign in other words": `{"campaignId":7,"status":"CONFIRMED"}`,
	}
}

func answered(t *testing.T, op campaign.Op, body string) campaign.Outcome {
	t.Helper()
	got := do(t, open(t, answers(200, body)), blackFriday[op])
	if got.HTTP != 200 || (got.Kind == campaign.OK) != (got.Err == "") || got.Kind != campaign.OK && got.Kind != campaign.Unavailable {
		t.Errorf("%s answered 200 %.60s: got %s %d %q", op, body, got.Kind, got.HTTP, got.Err)
	}
	return got
}

// A 2xx to configure, confirm and delete says what its body says, and nothing if it
// says nothing.
func TestWordlessSuccessSaysNothing(t *testing.T) {
	t.Parallel()
	for _, op := range []campaign.Op{campaign.OpConfigure, campaign.OpConfirm, campaign.OpDelete} {
		for name, body := range wordless() {
			if got := answered(t, op, body); got.Kind != campaign.OK || got.Status != "" || got.Echo != nil || !got.ConfirmedAt.IsZero() {
				t.Errorf("%s answered 200 with %s: got %s %q, status %q, echo %v", op, name, got.Kind, got.Err, got.Status, got.Echo)
			}
		}
		if got := do(t, open(t, answers(204, "")), blackFriday[op]); got.Kind != campaign.OK || got.Status != "" || got.Echo != nil {
			t.Errorf("%s answered 204: got %+v", op, got)
		}
		for name, body := range noSuccess() {
			if got := answered(t, op, body); got.Kind != campaign.Unavailable || got.Status != "" || got.Echo != nil {
				t.Errorf("%s answered 200 with %s: got %s, status %q; want no success", op, name, got.Kind, got.Status)
			}
		}
	}
}

// The same bodies are no answer to the calls that need one.
func TestWordlessSuccessIsNoAnswerToOthers(t *testing.T) {
	t.Parallel()
	usable := map[campaign.Op][]string{
		// A create is answered by an id, whatever its status: before that no other call
		// can name it.
		campaign.OpCreate: {"only its id", "only its id as text", "a status that is null", "another campaign", "another campaign as text"},
	}
	for _, op := range []campaign.Op{campaign.OpCreate, campaign.OpCalculate, campaign.OpPrice, campaign.OpStatus, campaign.OpStats} {
		for _, bodies := range []map[string]string{wordless(), noSuccess()} {
			for name, body := range bodies {
				got := answered(t, op, body)
				if want := slices.Contains(usable[op], name); (got.Kind == campaign.OK) != want {
					t.Errorf("%s answered 200 with %s: got %s %q", op, name, got.Kind, got.Err)
				}
			}
		}
	}
}

// Every word and number, in the answer to every call that says where it stands.
func TestStatusIsSaidInWordsAndNumbers(t *testing.T) {
	t.Parallel()
	for _, op := range []campaign.Op{campaign.OpConfigure, campaign.OpConfirm, campaign.OpStatus, campaign.OpStats, campaign.OpDelete} {
		for word, want := range statusWords {
			got := answered(t, op, `{"id":1542,"status":`+word+`}`)
			status := got.Status
			switch op {
			case campaign.OpStats:
				status = got.Stats.Status
			case campaign.OpDelete:
				want = "" // it is not known to be gone, nor to be there
			}
			if got.Kind != campaign.OK || status != want {
				t.Errorf("%s, status %s: got %s %q %s, want %q", op, word, got.Kind, status, got.Err, want)
			}
		}
	}
}

// The answer to configure repeats what it was told, in the words of UC-006 or of the
// vendor's reference, or it does not.
func TestEchoIsWhatIsRepeated(t *testing.T) {
	t.Parallel()
	echo := func(sender, text string, list int64) *campaign.Echo {
		var e campaign.Echo
		if sender != "" {
			e.Sender = &sender
		}
		if text != "" {
			e.Text = &text
		}
		if list != 0 {
			e.ListID = &list
		}
		return &e
	}
	nothing := ""
	for body, want := range map[string]*campaign.Echo{
		seed(t, "configured"): blackFridayEcho(),
		`{"id":1542,"status":"CONFIGURED","smsSender":"ShopItalia","smsBody":"Ciao","contactListIds":[87]}`: echo("ShopItalia", "Ciao", 87),
		`{"sender":"A","smsSender":"B","text":"C","smsBody":"D","contactListId":1,"contactListIds":[2]}`:    echo("A", "C", 1),
		`{"sender":null,"smsSender":"B"}`:         echo("B", "", 0),
		`{"sender":"ShopItalia"}`:                 echo("ShopItalia", "", 0),
		`{"text":"Città: 50% in meno, \u20ac 5"}`: echo("", "Città: 50% in meno, € 5", 0),
		`{"text":""}`:                                  {Text: &nothing},
		`{"contactListId":"87"}`:                       echo("", "", 87),
		`{"contactListId":87.0}`:                       echo("", "", 87),
		`{"contactListIds":["87"]}`:                    echo("", "", 87),
		`{"contactListIds":[87,88],"sender":"A"}`:      echo("A", "", 0),
		`{"contactListIds":[],"text":"B"}`:             echo("", "B", 0),
		`{"contactListId":"lst_9","text":"B"}`:         echo("", "B", 0),
		`{"sender":7,"text":{},"contactListIds":"no"}`: nil,
		`{"status":"CONFIGURED"}`:                      nil,
	} {
		got := answered(t, campaign.OpConfigure, body)
		if diff := cmp.Diff(want, got.Echo); diff != "" || got.Kind != campaign.OK {
			t.Errorf("%s: %s %s, echo (-want +got):\n%s", body, got.Kind, got.Err, diff)
		}
	}
}

// The time of the confirm is used if it can be read, and not needed otherwise.
func TestConfirmedAtIsRead(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 4, 9, 9, 5, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2026-04-09T09:05:00Z"`: nine, `"2026-04-09T11:05:00.000+0200"`: nine, `"2026-04-09 09:05:00.000+0000"`: nine, `"yesterday"`: {}, `null`: {}, `1775725500`: {},
	} {
		got := answered(t, campaign.OpConfirm, `{"id":1542,"status":"CONFIRMED","confirmedAt":`+text+`}`)
		if got.Kind != campaign.OK || got.Status != campaign.StatusConfirmed || !got.ConfirmedAt.Equal(want) {
			t.Errorf("%s: got %s %q %s, want %s", text, got.Kind, got.Status, got.ConfirmedAt, want)
		}
	}
}

// A mark of the byte order before the JSON is no part of it.
func TestByteOrderMarkIsIgnored(t *testing.T) {
	t.Parallel()
	if got := answered(t, campaign.OpConfirm, "\uFEFF"+seed(t, "confirmed")); got.Status != campaign.StatusConfirmed {
		t.Errorf("got %s %q", got.Kind, got.Status)
	}
	if got := answered(t, campaign.OpPrice, "\uFEFF"+seed(t, "price")); got.Kind != campaign.OK {
		t.Errorf("got %s %s", got.Kind, got.Err)
	}
}
