package app

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/gateway/uc006"
)

// Validate says everything that is wrong, one sentence a line, before anything
// starts. It looks at files, not at servers.
func (o Options) Validate() error {
	o = o.WithDefaults()
	var wrong []error
	for _, s := range Settings {
		if s.ofAccount() {
			continue // each account is looked at below
		}
		if err := s.wrong(o); err != nil {
			wrong = append(wrong, fmt.Errorf("%s%w", s.Key, err))
		}
	}
	return errors.Join(append(wrong, o.together()...)...)
}

// wrong is what is wrong with a setting alone, in words that go on behind its key.
func (s Setting) wrong(o Options) error {
	switch field := s.Field(&o).(type) {
	case *time.Duration:
		switch {
		case s.none != "" && *field < 0:
			return fmt.Errorf(" is %s: want more than zero, or leave it out %s", *field, s.none)
		case s.none == "" && *field <= 0:
			return fmt.Errorf(" is %s: want more than zero", *field)
		}
	case *int:
		switch {
		case s.most != 0 && (*field < s.least || *field > s.most):
			return fmt.Errorf(" is %d: want %d to %d", *field, s.least, s.most)
		case *field < s.least:
			return fmt.Errorf(" is %d: want %d or more", *field, s.least)
		}
	case *string:
		if s.oneOf != nil && !slices.Contains(s.oneOf, *field) {
			last := len(s.oneOf) - 1
			return fmt.Errorf(" is %q: want %s or %s", *field, strings.Join(s.oneOf[:last], ", "), s.oneOf[last])
		}
		if s.file && *field != "" {
			if _, err := os.Stat(*field); err != nil {
				return fmt.Errorf(": %w", err)
			}
		}
	}
	if s.check == nil {
		return nil
	}
	return s.check(o)
}

func checkURL(o Options) error {
	text := o.Gateway.URL
	u, err := url.Parse(text)
	switch {
	case text == "":
		return errors.New(" is not set: give the gateway's base URL, for example https://gateway.example/api/partner-gateway/v1")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf(" %q is not a URL: want http(s)://host/path", text)
	case gateway.Unprotected(text) && !o.Gateway.Insecure:
		return fmt.Errorf(" %q is http:// and leads beyond this machine, so the API key can be read on the way: use https://, or say gateway.insecure: yes", text)
	}
	return nil
}

func checkVendor(o Options) error {
	if _, known := vendors[o.Gateway.Vendor]; !known {
		return fmt.Errorf(" %q is not known: want one of %s", o.Gateway.Vendor, strings.Join(slices.Sorted(maps.Keys(vendors)), ", "))
	}
	return nil
}

func checkMovedFrom(o Options) error {
	_, err := addresses(o.Gateway.MovedFrom)
	return afterKey(err)
}

func checkKeyFile(o Options) error {
	if o.Gateway.KeyFile == "" {
		return errors.New(" is not set: give the file that holds the API key")
	}
	if _, _, err := gateway.ReadKeyFile(o.Gateway.KeyFile); err != nil {
		return fmt.Errorf(": %w: write the API key into it", err)
	}
	return nil
}

func checkEnvelope(o Options) error {
	_, err := uc006.ParseEnvelope(o.Gateway.Envelope)
	return afterKey(err)
}

func checkVariant(o Options) error {
	v, err := doctor.ParseVariant(o.Gateway.Variant)
	if err != nil {
		return afterKey(err)
	}
	if unsafe := v.Unsafe(o.Rules.ConfigureRefusedOnceSent); len(unsafe) > 0 && !o.Gateway.AcceptUnsafe {
		return fmt.Errorf(" says what cannot be safe: %s. Run staffetta doctor again if the gateway has changed; gateway.accept_unsafe: yes starts all the same", strings.Join(unsafe, "; "))
	}
	return nil
}

func checkListen(o Options) error {
	if o.Listen == "off" {
		return nil
	}
	_, port, err := net.SplitHostPort(o.Listen)
	_, no := strconv.ParseUint(port, 10, 16)
	if cmp.Or(err, no) != nil {
		return fmt.Errorf(" %q is not an address: want host:port, :port for all addresses of this machine, or off", o.Listen)
	}
	return nil
}

// afterKey is an error that goes on behind a key.
func afterKey(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(": %w", err)
}

// together is what is wrong with settings that are in order one by one. What is read
// from lists says itself which setting it is.
func (o Options) together() (wrong []error) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	accounts, err := o.accountOptions()
	if err != nil {
		say("%w", err)
	}
	for _, a := range accounts {
		wrong = append(wrong, a.wrong()...)
	}
	r := o.Rules
	windows, err := readWindows(o.Windows)
	if err != nil {
		say("%w", err)
	}
	policies, no := readPolicies(o)
	if no != nil {
		say("%w", no)
	}
	for _, source := range slices.Sorted(maps.Keys(policies)) {
		if name := policies[source].Window; name != "" && err == nil && windows[name] == nil {
			say("send_window: %s: no file in windows is called %q", source, name)
		}
	}
	if _, err := recipientsQuota(o.RecipientsQuota); err != nil {
		say("%w", err)
	}
	if _, err := newQuotas(o); err != nil {
		say("%w", err)
	}
	if (o.NATS.Cert == "") != (o.NATS.Key == "") {
		say("nats.cert and nats.key go together: set both or neither")
	}
	if r.PollMax < r.PollMin {
		say("poll.max %s is less than poll.min %s", r.PollMax, r.PollMin)
	}
	return wrong
}
