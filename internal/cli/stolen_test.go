package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// A thief with a source's key can ask for anything, but cannot spend more than the
// limits that others have set: the budget of a day, the approval of a person, the
// number of campaigns in an hour. The key can change none of these.
func TestAStolenKeyIsBounded(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "STAFFETTA_INTAKE_PER_HOUR=*=2", "STAFFETTA_APPROVAL_ABOVE=*=100 EUR")
	if _, err := c.sandbox.FillDemo(sandbox.ShopItalia()); err != nil {
		t.Fatal(err)
	}
	request := c.write(t.TempDir(), "request.json", strings.Replace(shopRequest, "4711", "87", 1)) // 344.09 EUR
	thief := func(id string, wait ...string) (string, int) {
		return c.typed("shop-italia", append([]string{"request", "-f", request, "--id", id}, wait...)...)
	}

	c.must("operator", "budget", "set", "shop-italia", "--day", "200 EUR", "--zone", "Europe/Rome", "--by", "anna")
	if said, code := thief("over-the-budget", "--wait"); code != 3 || !strings.Contains(said, "over budget") {
		t.Errorf("over the budget: exit code %d:\n%s", code, said)
	}
	if said, code := c.typed("shop-italia", "budget", "set", "shop-italia", "--day", "none", "--by", "anna"); code != 1 || !strings.Contains(said, "this user may not") {
		t.Errorf("it takes the limit away: exit code %d:\n%s", code, said)
	}

	c.must("operator", "budget", "set", "shop-italia", "--day", "none", "--by", "anna")
	if said, code := thief("above-the-amount"); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	for until := time.Now().Add(patience); !strings.Contains(c.must("operator", "ls", "--waiting"), "shop-italia.above-the-amount"); {
		if time.Now().After(until) {
			t.Fatalf("it waits for nobody's word:\n%s", c.must("operator", "ls"))
		}
	}
	looked, _ := c.typed("shop-italia", "approve", "shop-italia.above-the-amount", "--by", "anna")
	quote := regexp.MustCompile(`--quote ([0-9a-f]+)`).FindStringSubmatch(looked)
	if quote == nil {
		t.Fatalf("which quote: %s", looked)
	}
	if said, code := c.typed("shop-italia", "approve", "shop-italia.above-the-amount", "--quote", quote[1], "--by", "anna"); code != 1 || !strings.Contains(said, "this user may not publish to campaign.v1.command.shop-italia.above-the-amount.approve.") {
		t.Errorf("it approves its own campaign: exit code %d:\n%s", code, said)
	}

	if said, code := thief("one-too-many", "--wait"); code != 4 || !strings.Contains(said, "too_many") {
		t.Errorf("the third in an hour: exit code %d:\n%s", code, said)
	}
	if seen := c.sandbox.Seen(); seen.Confirms != 0 {
		t.Errorf("%d campaigns were confirmed", seen.Confirms)
	}
}

// A user that reads events sees figures, names of sources and ids, but no text and no
// phone number: those are in requests and records, which the role cannot read.
func TestWhoReadsEventsReadsNoText(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	if _, err := c.sandbox.FillDemo(sandbox.ShopItalia()); err != nil {
		t.Fatal(err)
	}
	analytics := c.raw("analytics")
	heard, err := analytics.SubscribeSync("campaign.v1.event.>")
	if err == nil {
		err = analytics.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	const text = "Only for those who were asked"
	for _, list := range []string{"87", "4711"} { // one is sent, one is not
		request := strings.Replace(strings.Replace(shopRequest, "4711", list, 1), "Ciao", text, 1)
		if said, code := c.typed("operator", "request", "-f", c.write(t.TempDir(), "request.json", request), "--id", "bf-"+list, "--wait"); code != 0 && code != 3 {
			t.Fatalf("exit code %d: %s", code, said)
		}
	}
	n := 0
	for ; ; n++ {
		m, err := heard.NextMsg(time.Second)
		if errors.Is(err, nats.ErrTimeout) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if whole := fmt.Sprint(m.Header) + string(m.Data); strings.Contains(whole, text) || bytes.Contains(m.Data, []byte("+39")) {
			t.Errorf("%s: %s", m.Subject, whole)
		}
	}
	if n < 4 {
		t.Errorf("%d events were heard, too few to show anything", n)
	}
	for _, args := range [][]string{{"show", "shop-italia.bf-87"}, {"why", "shop-italia.bf-87"}} {
		if said, code := c.typed("analytics", args...); code != 1 || !strings.Contains(said, "this user may not publish to staffetta.query.") {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
		if said := c.must("support", args...); args[0] == "show" && !strings.Contains(said, text) {
			t.Errorf("support does not read it either: %s", said)
		}
	}
}
