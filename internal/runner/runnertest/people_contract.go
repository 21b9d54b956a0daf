package runnertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// PeopleHarness is a reader of recipients under test, with what the contract needs to lay
// them down.
type PeopleHarness struct {
	People runner.People
	// Bring lets people come with a request, and returns that request. They are phone
	// numbers without fields.
	Bring func(t *testing.T, key campaign.Key, phones ...string) campaign.Request
	// Late lets them come but for a part, which is there once arrive returns. Nil: they
	// lie in the request, which has no parts.
	Late func(t *testing.T, key campaign.Key, phones ...string) (r campaign.Request, arrive func())
}

// TestPeople is the contract of [runner.People]: every implementation must pass it. open
// gives a reader of nobody; it is called once for each subtest.
func TestPeople(t *testing.T, open func(t *testing.T) PeopleHarness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h PeopleHarness)
	}{
		{"PrepareCountsEachOneOnce", prepareCountsEachOneOnce},
		{"TheSameRequestGivesTheSameAnswer", theSameRequestGivesTheSameAnswer},
		{"TheDigestIsThatOfTheFile", theDigestIsThatOfTheFile},
		{"OpenOfOtherPeopleWritesNothing", openOfOtherPeopleWritesNothing},
		{"AWriterThatFailsEndsTheFile", aWriterThatFailsEndsTheFile},
		{"APartThatIsMissingMayCome", aPartThatIsMissingMayCome},
		{"NobodyIsUnusable", nobodyIsUnusable},
		{"DiscardLeavesNobodyAndTwiceIsOnce", discardLeavesNobodyAndTwiceIsOnce},
		{"DiscardLeavesTheOthers", discardLeavesTheOthers},
		{"WithoutAnAnswerNothingIsSaid", withoutAnAnswerNothingIsSaid},
		{"ManyReadAtOnce", manyReadAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

const (
	anna, bruno, carla = "+393331234501", "+393331234502", "+393331234503"
	nonsense           = "call me"
)

var (
	peoplesKey = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	othersKey  = campaign.Key{Source: "shop-italia", RequestID: "bf-2027"}
)

func prepareCountsEachOneOnce(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno, anna, nonsense)
	got := prepare(t, h, peoplesKey, r)
	got.Digest = ""
	if diff := cmp.Diff(campaign.Prepared{Given: 4, Sent: 2, Duplicate: 1, Malformed: 1}, got); diff != "" {
		t.Errorf("prepared (-want +got):\n%s", diff)
	}
}

func theSameRequestGivesTheSameAnswer(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	if first, again := prepare(t, h, peoplesKey, r), prepare(t, h, peoplesKey, r); first != again {
		t.Errorf("prepared as %+v, and then as %+v", first, again)
	}
	others := h.Bring(t, othersKey, anna, carla)
	if prepare(t, h, othersKey, others).Digest == prepare(t, h, peoplesKey, r).Digest {
		t.Error("other people have the same digest")
	}
}

// What is uploaded is what was prepared: a line for each of them, behind the header. The
// file may be written again, where an upload is made in two steps.
func theDigestIsThatOfTheFile(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno, anna, nonsense)
	prepared := prepare(t, h, peoplesKey, r)
	file, err := h.People.Open(t.Context(), peoplesKey, r, prepared.Digest)
	errUnexpected(t, err)
	for range 2 {
		var written bytes.Buffer
		errUnexpected(t, file(func(piece []byte) error { written.Write(piece); return nil }))
		sum := sha256.Sum256(written.Bytes())
		if got := hex.EncodeToString(sum[:]); got != prepared.Digest {
			t.Errorf("the file's digest is %s, prepared was %s", got, prepared.Digest)
		}
		if diff := cmp.Diff([]string{"phoneNumber", anna, bruno}, strings.Split(strings.TrimSpace(written.String()), "\n")); diff != "" {
			t.Errorf("the file (-want +got):\n%s", diff)
		}
	}
}

func openOfOtherPeopleWritesNothing(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	others := h.Bring(t, othersKey, anna, carla)
	file, err := h.People.Open(t.Context(), peoplesKey, r, prepare(t, h, othersKey, others).Digest)
	if !errors.Is(err, runner.ErrChanged) || file != nil {
		t.Errorf("opened with the digest of others: a file %t, error %v", file != nil, err)
	}
}

// An upload that breaks off must not look whole.
func aWriterThatFailsEndsTheFile(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	file, err := h.People.Open(t.Context(), peoplesKey, r, prepare(t, h, peoplesKey, r).Digest)
	errUnexpected(t, err)
	broken := errors.New("the connection broke")
	if err := file(func([]byte) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("the file ended with %v, want %v", err, broken)
	}
}

func aPartThatIsMissingMayCome(t *testing.T, h PeopleHarness) {
	if h.Late == nil {
		return
	}
	r, arrive := h.Late(t, peoplesKey, anna, bruno)
	_, err := h.People.Prepare(t.Context(), peoplesKey, r)
	mayCome(t, err)
	_, err = h.People.Open(t.Context(), peoplesKey, r, strings.Repeat("ab", 32))
	mayCome(t, err)
	arrive()
	if p := prepare(t, h, peoplesKey, r); p.Sent != 2 {
		t.Errorf("once it is there %d are prepared, want 2", p.Sent)
	}
}

func nobodyIsUnusable(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna)
	_, err := h.People.Prepare(t.Context(), campaign.Key{Source: "acqua-luce", RequestID: "nobody"}, r)
	isUnusable(t, err)
}

func discardLeavesNobodyAndTwiceIsOnce(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	digest := prepare(t, h, peoplesKey, r).Digest
	for range 2 {
		errUnexpected(t, h.People.Discard(t.Context(), peoplesKey, r))
	}
	_, err := h.People.Prepare(t.Context(), peoplesKey, r)
	isUnusable(t, err)
	_, err = h.People.Open(t.Context(), peoplesKey, r, digest)
	isUnusable(t, err)
}

func discardLeavesTheOthers(t *testing.T, h PeopleHarness) {
	r, others := h.Bring(t, peoplesKey, anna, bruno), h.Bring(t, othersKey, carla)
	errUnexpected(t, h.People.Discard(t.Context(), peoplesKey, r))
	if p := prepare(t, h, othersKey, others); p.Sent != 1 {
		t.Errorf("%d of the others are left, want 1", p.Sent)
	}
}

// An answer that was lost must not look like one: neither as if the people could not be
// used, nor as if nothing of them were left.
func withoutAnAnswerNothingIsSaid(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	digest := prepare(t, h, peoplesKey, r).Digest
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"prepare": func() error { _, err := h.People.Prepare(gone, peoplesKey, r); return err }(),
		"open":    func() error { _, err := h.People.Open(gone, peoplesKey, r, digest); return err }(),
		"discard": h.People.Discard(gone, peoplesKey, r),
	} {
		if _, says := errors.AsType[*runner.Unusable](err); err == nil || says || errors.Is(err, runner.ErrChanged) {
			t.Errorf("%s without an answer: %v", what, err)
		}
	}
	if p := prepare(t, h, peoplesKey, r); p.Digest != digest {
		t.Errorf("afterwards they are prepared as %+v", p)
	}
}

func manyReadAtOnce(t *testing.T, h PeopleHarness) {
	r := h.Bring(t, peoplesKey, anna, bruno)
	want := prepare(t, h, peoplesKey, r)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := h.People.Prepare(t.Context(), peoplesKey, r); err != nil || got != want {
				t.Errorf("prepared as %+v, %v; want %+v", got, err, want)
			}
		})
	}
	all.Wait()
}

func prepare(t *testing.T, h PeopleHarness, key campaign.Key, r campaign.Request) campaign.Prepared {
	t.Helper()
	p, err := h.People.Prepare(t.Context(), key, r)
	errUnexpected(t, err)
	return p
}

// isUnusable wants an error that says what is wrong, and names nobody.
func isUnusable(t *testing.T, err error) {
	t.Helper()
	why, is := errors.AsType[*runner.Unusable](err)
	if !is {
		t.Fatalf("got error %v, want one that says why they cannot be used", err)
	}
	for _, phone := range []string{anna, bruno, carla, nonsense} {
		if strings.Contains(err.Error(), strings.TrimPrefix(phone, "+")) {
			t.Errorf("an error names somebody: %v", err)
		}
	}
	if why.Field == "" || why.Words == "" {
		t.Errorf("it does not say what is wrong: %+v", why)
	}
}

// mayCome wants the same of a part that may still come.
func mayCome(t *testing.T, err error) {
	t.Helper()
	isUnusable(t, err)
	if why, is := errors.AsType[*runner.Unusable](err); !is || !why.Missing {
		t.Errorf("it is not said that a part may still come: %v", err)
	}
}
