package gateway

import "testing"

func TestOneGatewayHasOneAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Gateway.Example:443/API/v1/":  "https://gateway.example/API/v1",
		"HTTPS://gateway.example/API/v1":       "https://gateway.example/API/v1",
		"http://gateway.example:80":            "http://gateway.example",
		"https://gateway.example:80/v1":        "https://gateway.example:80/v1",
		"http://[::1]:8090/v1//":               "http://[::1]:8090/v1",
		"https://gateway.example/a%2Fb/v1":     "https://gateway.example/a%2Fb/v1",
		"https://gateway.example/partner/path": "https://gateway.example/partner/path",
	} {
		if have, err := Address(text); err != nil || have != want {
			t.Errorf("%s: %q (%v), want %q", text, have, err, want)
		}
	}
	for _, text := range []string{"", "gateway.example/v1", "https://user:secret@gateway.example", "https://gateway.example/v1?a=b"} {
		if have, err := Address(text); err == nil {
			t.Errorf("%s: %q, want an error", text, have)
		}
	}
}
