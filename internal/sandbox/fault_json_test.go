package sandbox_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func TestFaultIsWrittenInJSONAsPeopleDo(t *testing.T) {
	t.Parallel()
	in := `{"operation":"confirm","campaign":1542,"name":"Black","after":1,"times":-1,"when":"after","for":"2m25s",
		"delay":"1.5s","say":{"stats.total":1},"stale":true,"status":429,"body":"spring","retryAfter":12,"report":"PAUSED","fail":true,"failAfter":3,
		"variants":{"numericStatus":true,"confirmIs202":true,"creditIs400":true,"secondConfirm":true,"readyToSend":true,"replaceUnicode":true,"statsNeedDates":true}}`
	want := sandbox.Fault{
		Operation: sandbox.Confirm, Campaign: 1542, Name: "Black", After: 1, Times: -1, When: sandbox.After,
		For: 145 * time.Second, Say: map[string]json.RawMessage{"stats.total": json.RawMessage("1")}, Stale: true,
		Delay: 1500 * time.Millisecond, Status: 429, Body: sandbox.Spring, RetryAfter: 12, Report: "PAUSED", Fail: true, FailAfter: 3,
		Variants: sandbox.Variants{NumericStatus: true, ConfirmIs202: true, CreditIs400: true, SecondConfirm: true, ReadyToSend: true, ReplaceUnicode: true, StatsNeedDates: true},
	}
	var got sandbox.Fault
	if err := json.Unmarshal([]byte(in), &got); err != nil {
		t.Fatal(err)
	}
	equal(t, "fault", got, want)
	out, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var again sandbox.Fault
	if err := json.Unmarshal(out, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("there and back (-want +got):\n%s", diff)
	}
	for _, answer := range []string{`{"answer":"O\"K"}`, `{"answer":{"id":"$id"}}`, `{"answer":null}`, `{"answer":[1,"a"]}`} {
		var once, twice sandbox.Fault
		if err := json.Unmarshal([]byte(answer), &once); err != nil {
			t.Fatal(err)
		}
		if out, err = json.Marshal(once); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &twice); err != nil || once.Answer == "" {
			t.Fatalf("%s is read as %q, %v", answer, once.Answer, err)
		}
		equal(t, answer, twice.Answer, once.Answer)
	}
	for _, bad := range []string{`{"operatoin":"confirm"}`, `{"operation":"confrim"}`, `{"delay":"soon"}`, `{"later":5}`, `{"variants":{"confirm":true}}`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
