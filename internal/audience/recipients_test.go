package audience_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var people = []*campaignv1.Recipient{
	{PhoneNumber: "+393331230001", Fields: map[string]string{"code": "A1", "note": "not in the text"}},
	{PhoneNumber: "333 1230002", Fields: map[string]string{"code": "A2"}},
	{PhoneNumber: "333 1230003"},
	{PhoneNumber: "nobody", Fields: map[string]string{"code": "A4"}},
}

func delimited(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, m := range people {
		if _, err := protodelim.MarshalTo(&b, m); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestRecipientsAreTheSameHoweverTheyCome(t *testing.T) {
	t.Parallel()
	fields := []string{"code"}
	for name, all := range map[string]audience.Contacts{
		"in the request": audience.FromRecipients(people, fields),
		"in chunks":      audience.FromProtobuf(bytes.NewReader(delimited(t)), fields),
		"in a file":      audience.FromCSV(strings.NewReader("phoneNumber,code\n+393331230001,A1\n333 1230002,A2\n333 1230003,\nnobody,A4\n"), fields),
	} {
		var file strings.Builder
		got, err := audience.Prepare(all, audience.Wish{Region: "IT", Fields: fields}, &file, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := "phoneNumber,code\n+393331230001,A1\n+393331230002,A2\n"; file.String() != want {
			t.Errorf("%s: uploaded %q, want %q", name, file.String(), want)
		}
		digest := sha256.Sum256([]byte(file.String()))
		if got.Given != 4 || got.Valid != 2 || got.Out[audience.Malformed] != 1 || got.Out[audience.Lacking] != 1 ||
			got.Digest != hex.EncodeToString(digest[:]) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatBecomesOfWhomLacksAField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lacks  campaign.Lacking
		fields string
		valid  int64
		wrong  string
	}{
		{"", "code", 2, ""},
		{campaign.LeaveOut, "code", 2, ""},
		{campaign.LeaveOut, "cod", 0, "the text has {{cod}}, and no recipient has a field of that name"},
		{campaign.Empty, "code", 3, ""},
		{campaign.Empty, "cod", 3, ""},
		{campaign.RejectLacking, "code", 0, "recipient 3: it lacks code"},
	} {
		fields := []string{c.fields}
		got, err := audience.Prepare(audience.FromRecipients(people, fields), audience.Wish{Region: "IT", Fields: fields, Lacks: c.lacks}, io.Discard, nil)
		if c.wrong != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.wrong) {
				t.Errorf("%s, %s: %v, want %s", c.lacks, c.fields, err, c.wrong)
			}
		} else if err != nil || got.Valid != c.valid {
			t.Errorf("%s, %s: %d valid, %v; want %d", c.lacks, c.fields, got.Valid, err, c.valid)
		}
	}
}

func TestWhatIsNoRecipientIsRefused(t *testing.T) {
	t.Parallel()
	whole := delimited(t)
	for name, data := range map[string][]byte{
		"torn":          whole[:len(whole)-3],
		"a file of CSV": []byte("phoneNumber,code\n+393331230001,A1\n"),
		"too long":      append([]byte{0xff, 0xff, 0xff, 0x7f}, whole...),
	} {
		_, err := audience.Prepare(audience.FromProtobuf(bytes.NewReader(data), nil), audience.Wish{Region: "IT"}, io.Discard, nil)
		if err == nil || !strings.Contains(err.Error(), "it is no Recipient behind its length") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nobody answers, in the middle of a list: that says nothing of the people in it.
func TestAnOutageIsNoFaultOfTheRecipients(t *testing.T) {
	t.Parallel()
	outage := errors.New("nobody answers")
	for name, from := range map[string]func(io.Reader, []string) audience.Contacts{"protobuf": audience.FromProtobuf, "csv": audience.FromCSV} {
		started := io.MultiReader(strings.NewReader("\x0f\x0a\x0d+393"), iotest.ErrReader(outage))
		if name == "csv" {
			started = io.MultiReader(strings.NewReader("phone\n+393331234567\n+39333"), iotest.ErrReader(outage))
		}
		_, err := audience.Prepare(from(started, nil), audience.Wish{}, io.Discard, nil)
		if _, fault := errors.AsType[*audience.Fault](err); fault || !errors.Is(err, outage) {
			t.Errorf("%s: %v, want that nobody answers", name, err)
		}
	}
}
