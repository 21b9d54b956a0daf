package uc006

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// A refusal ends a campaign, so only the gateway's own refusal is believed. Something
// in between (a proxy, a portal, the default of an ingress) answers with the same
// status codes, and in other shapes.

// members are those of a JSON object.
type members map[string]json.RawMessage

// envelopes are the shapes in which the gateway is known to say no.
var envelopes = []struct {
	name string
	fits func(o members, mediaType string) bool
}{
	{"JSend fail", func(o members, _ string) bool { return o.text("status") == "fail" && o.starts("data", '{') }},
	{"JSend error", func(o members, _ string) bool { return o.text("status") == "error" && o.text("message") != "" }},
	{"Spring", func(o members, _ string) bool {
		return o.number("status") && (o.text("error") != "" || o.text("message") != "")
	}},
	{"RFC 9457", func(o members, mediaType string) bool {
		return (mediaType == "application/problem+json" || o.text("type") != "") && (o.text("title") != "" || o.text("detail") != "")
	}},
}

// shaped says that a refusal's body is one of the gateway's own: of a known
// envelope, or an object with all the members that the operator named.
func shaped(body []byte, contentType string, own []string) bool {
	var o members
	if json.Unmarshal(body, &o) != nil || o == nil {
		return false
	}
	mediaType, _, _ := mime.ParseMediaType(contentType)
	for _, e := range envelopes {
		if e.fits(o, mediaType) {
			return true
		}
	}
	for _, name := range own {
		if _, there := o[name]; !there {
			return false
		}
	}
	return len(own) > 0
}

// unshaped turns a refusal without the gateway's own shape into no answer. It shows how
// the refusal begins, so that people can find out where it comes from.
func unshaped(out *campaign.Outcome, body []byte) {
	out.Kind, out.Unshaped = campaign.Unavailable, true
	out.Field, out.Words = "", ""
	out.Err = "the gateway answered " + gateway.StatusLine(out.HTTP) + " without a reason" + gateway.Excerpt(body)
}

func (o members) text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

func (o members) number(name string) bool {
	var n json.Number
	return !o.starts(name, '"') && json.Unmarshal(o[name], &n) == nil && n != ""
}

func (o members) starts(name string, c byte) bool {
	return bytes.HasPrefix(o[name], []byte{c})
}

// ParseEnvelope reads the members that make an object the gateway's own, separated
// by commas. None: only the known envelopes are.
func ParseEnvelope(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	names := strings.Split(text, ",")
	for i, name := range names {
		if names[i] = strings.TrimSpace(name); names[i] == "" {
			return nil, errors.New("a name is empty: write the members of the gateway's refusals with one comma between two, for example errorCode,errorText")
		}
		if strings.ContainsAny(names[i], "{}[]\":") {
			return nil, fmt.Errorf("%q is no name: write the members alone, for example errorCode,errorText", names[i])
		}
	}
	return names, nil
}
