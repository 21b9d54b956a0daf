package contract_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/contract"
)

// W3C Trace Context, sections 3.2.2 and 3.2.4.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	const ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
	for _, c := range []struct{ name, text, want string }{
		{"TheFormOfToday", "00-" + ids + "-01", "00-" + ids + "-01"},
		{"ALaterVersion", "cc-" + ids + "-01", "00-" + ids + "-01"},
		{"ALaterVersionWithMore", "cc-" + ids + "-01-what-the-future-holds", "00-" + ids + "-01"},
		{"TodayHasNoMore", "00-" + ids + "-01-what", ""},
		{"VersionFF", "ff-" + ids + "-01", ""},
		{"TraceOfZeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"ParentOfZeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
		{"UpperCase", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
		{"MoreWithoutADash", "cc-" + ids + "-01x", ""},
		{"Nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := contract.Traceparent(c.text); got != c.want {
				t.Errorf("%q: got %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// W3C Trace Context, sections 3.3.1 and 3.3.1.5.
func TestTracestate(t *testing.T) {
	t.Parallel()
	long := "a=" + strings.Repeat("x", 256)
	var members []string
	for i := range 33 {
		members = append(members, fmt.Sprintf("a%d=1", i))
	}
	for _, c := range []struct{ name, text, want string }{
		{"Two", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"},
		{"SpacesAndEmptyMembers", " rojo=1 , ,congo=2,", "rojo=1,congo=2"},
		{"OfATenant", "fw529a3039@dt=FfffFf", "fw529a3039@dt=FfffFf"},
		{"NoValue", "rojo", ""},
		{"UpperCase", "Rojo=1", ""},
		{"TwiceTheSame", "rojo=1,rojo=2", ""},
		{"NotASCII", "rojo=è", ""},
		{"ALineBreak", "rojo=1\nce-id: x", ""},
		{"MoreThan512", long + ",b=" + long[2:] + ",c=1", long},
		{"MoreThan32", strings.Join(members, ","), ""},
		{"Nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := contract.Tracestate(c.text); got != c.want {
				t.Errorf("%q: got %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// A sender may write the headers of W3C, or the attributes of CloudEvents.
func TestTraceOfARequest(t *testing.T) {
	t.Parallel()
	v, err := contract.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	in := contract.Reader{Rules: v}
	const mine, other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"
	for _, c := range []struct {
		name          string
		header        map[string]string
		parent, state string
	}{
		{"Headers", map[string]string{"traceparent": mine, "tracestate": "a=1"}, mine, "a=1"},
		{"Attributes", map[string]string{"ce-traceparent": mine, "Ce-Tracestate": "a=1"}, mine, "a=1"},
		{"HeadersFirst", map[string]string{"traceparent": mine, "ce-traceparent": other, "ce-tracestate": "a=1"}, mine, ""},
		{"AStateAlone", map[string]string{"tracestate": "a=1"}, "", ""},
		{"Neither", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := contract.RequestEnvelope(blackFriday(), "")
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range c.header {
				m.Header[name] = []string{value}
			}
			w, err := in.ReadRequest(m.Subject, m.Header, m.Data, time.Now())
			if err != nil || w.Trace != c.parent || w.TraceState != c.state {
				t.Errorf("read %q, %q, %v; want %q, %q", w.Trace, w.TraceState, err, c.parent, c.state)
			}
		})
	}
}
