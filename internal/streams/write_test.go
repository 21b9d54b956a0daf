package streams

import "testing"

// Only what says nothing but where a message was stored is read without a JSON reader.
func TestSequenceIn(t *testing.T) {
	for _, test := range []struct {
		ack   string
		want  uint64
		plain bool
	}{
		{`{"stream":"KV_campaigns","seq":1542}`, 1542, true},
		{`{"stream":"KV_campaigns","seq":18446744073709551615}`, 18446744073709551615, true},
		{`{"stream":"KV_campaigns","seq":18446744073709551616}`, 0, false},
		{`{"stream":"KV_campaigns","seq":0}`, 0, false},
		{`{"stream":"KV_campaigns","seq":-1}`, 0, false},
		{`{"stream":"KV_campaigns","seq":1542,"duplicate": true}`, 0, false},
		{`{"stream":"KV_campaigns","domain":"hub","seq":1542}`, 0, false},
		{`{"stream":"","seq":1542}`, 0, false},
		{`{"stream":"KV_campaigns","seq":1542`, 0, false},
		{`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 7"},"stream":"KV_campaigns","seq":0}`, 0, false},
		{``, 0, false},
	} {
		if got, plain := sequenceIn([]byte(test.ack)); plain != test.plain || plain && got != test.want {
			t.Errorf("%s: got %d, %t; want %d, %t", test.ack, got, plain, test.want, test.plain)
		}
	}
}
