package words_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/words"
)

func TestASentenceInTheZoneOfItsReader(t *testing.T) {
	t.Parallel()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for sentence, want := range map[string]string{
		"it waits until 2026-12-01T23:29:08Z: held since 2026-07-01T10:00:00.5Z": "it waits until 2026-12-02T00:29:08+01:00: held since 2026-07-01T12:00:00.5+02:00",
		"it is no instant: 2026-13-01T23:29:08Z, nor is x2026-12-01T23:29:08Z":   "it is no instant: 2026-13-01T23:29:08Z, nor is x2026-12-01T23:29:08Z",
		"it has a zone already: 2026-12-01T23:29:08+01:00":                       "it has a zone already: 2026-12-01T23:29:08+01:00",
	} {
		if got := words.Zoned(sentence, rome); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := words.Zoned(sentence, time.UTC); got != sentence {
			t.Errorf("in UTC it became %s", got)
		}
	}
}
