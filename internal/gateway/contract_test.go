package gateway_test

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// The port's contract, over real HTTP, on the sandbox. Client and sandbox are two
// readings of UC-006 without a common line, so they check each other.
func TestGatewayContract(t *testing.T) {
	t.Parallel()
	const missing = 999
	runnertest.TestGateway(t, func(t *testing.T) runnertest.GatewayHarness {
		s, err := sandbox.New(sandbox.Options{Every: 1, Speed: 1000})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		list := s.NewList("customers")
		for i := range 104 {
			phone := fmt.Sprintf("+3933300000%02d", i)
			if i >= 100 {
				phone = "not a number"
			}
			if err := s.AddContacts(list, sandbox.Contact{PhoneNumber: phone}); err != nil {
				t.Fatal(err)
			}
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		g, err := gateway.New(gateway.Options{Vendor: vendor, BaseURL: server.URL + "/api/partner-gateway/v1", Key: sandbox.DefaultKey, Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(g.Close)
		return runnertest.GatewayHarness{
			Gateway: g, List: int64(list), Missing: missing,
			SetCredit: func(t *testing.T, amount decimal.Decimal) {
				if err := s.SetCredit(amount); err != nil {
					t.Fatal(err)
				}
			},
			Wait: func(*testing.T) { runtime.Gosched() },
		}
	})
}
