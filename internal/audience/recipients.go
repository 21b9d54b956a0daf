package audience

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protodelim"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// FromProtobuf reads messages Recipient, each behind its length, for the fields that are
// asked for.
func FromProtobuf(r io.Reader, fields []string) Contacts {
	return func(yield func(Contact, error) bool) {
		source := &remembering{Reader: r}
		in := bufio.NewReaderSize(source, longestRow)
		values, options := make([]string, len(fields)), protodelim.UnmarshalOptions{MaxSize: longestRow}
		for n := 1; ; n++ {
			var m campaignv1.Recipient
			err := options.UnmarshalFrom(in, &m)
			switch {
			case source.err != nil: // says nothing of the people: a chunk is not there, or nobody answers
				yield(Contact{}, source.err)
				return
			case errors.Is(err, io.EOF):
				return
			case err != nil: // it may quote what it could not read
				wrong := fault(0, "it is no Recipient behind its length (at most %d bytes): is the format protobuf, and the list whole?", longestRow)
				wrong.Place.Nth = n
				yield(Contact{}, wrong)
				return
			}
			if !yield(contact(&m, n, fields, values), nil) {
				return
			}
		}
	}
}

// FromRecipients yields the recipients of a request, for the fields that are asked for.
func FromRecipients(all []*campaignv1.Recipient, fields []string) Contacts {
	return func(yield func(Contact, error) bool) {
		values := make([]string, len(fields))
		for i, m := range all {
			if !yield(contact(m, i+1, fields, values), nil) {
				return
			}
		}
	}
}

func contact(m *campaignv1.Recipient, nth int, fields, values []string) Contact {
	for i, f := range fields {
		values[i] = strings.TrimSpace(m.GetFields()[f])
	}
	return Contact{Place: Place{Nth: nth}, Number: m.GetPhoneNumber(), Values: values}
}

// remembering is a reader that remembers what ended it early.
type remembering struct {
	io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
