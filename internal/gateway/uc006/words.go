package uc006

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/gateway"
)

// refusalWords is what the body of a refusal says, whatever shape it has.
type refusalWords struct {
	field      string
	words      string
	retryAfter time.Duration
}

// fieldCredit is what the vendor calls the credit in a refusal.
const fieldCredit = "credit"

// refusalWordsOf understands JSend fail ({"status":"fail","data":{field: words}}),
// JSend error (message, code), the framework's own body (status as a number,
// error, message, retryAfter), and makes words of anything else, be it HTML, a
// JSON that breaks off, or nothing.
func refusalWordsOf(body []byte) refusalWords {
	var in struct {
		Data       json.RawMessage `json:"data"`
		Message    json.RawMessage `json:"message"`
		Detail     json.RawMessage `json:"detail"`
		Error      json.RawMessage `json:"error"`
		Title      json.RawMessage `json:"title"`
		Code       json.RawMessage `json:"code"`
		RetryAfter json.RawMessage `json:"retryAfter"`
	}
	if json.Unmarshal(body, &in) != nil {
		return refusalWords{words: gateway.Clean(gateway.Plain(string(body)))}
	}
	c := refusalWords{retryAfter: seconds(in.RetryAfter)}
	c.field, c.words = failed(in.Data)
	for _, raw := range []json.RawMessage{in.Message, in.Detail, in.Error, in.Title} {
		if c.words == "" {
			c.words = text(raw)
		}
	}
	if code := text(in.Code); code != "" && c.words != "" {
		c.words += " (code " + code + ")"
	}
	if c.words == "" && string(bytes.TrimSpace(body)) != "{}" {
		c.words = string(body)
	}
	c.words = gateway.Clean(c.words)
	return c
}

// failed reads JSend's data: the first field at fault, and the words about it;
// words about further fields follow, each with its name.
func failed(data json.RawMessage) (field, words string) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return "", text(data)
	}
	var all strings.Builder
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
		if field == "" {
			field, _ = name.(string)
			field = gateway.Cut(field, 64)
			all.WriteString(text(value))
			continue
		}
		all.WriteString("; " + name.(string) + ": " + text(value))
	}
	return field, all.String()
}

// text is a JSON string without its quotes, or any other value as it stands.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) > 0 && unmarshal(raw, &s) == nil {
		return s // null as well: nothing
	}
	return string(raw)
}

// seconds reads a number of seconds, also from a string; zero if it is none.
func seconds(raw json.RawMessage) time.Duration {
	s := text(raw)
	if len(s) == 0 || len(s) > 16 {
		return 0
	}
	n, err := decimal.NewFromString(s)
	if err != nil || n.Sign() <= 0 {
		return 0
	}
	if n.GreaterThan(decimal.NewFromInt(3600)) {
		return time.Hour
	}
	return time.Duration(n.Shift(9).IntPart())
}
