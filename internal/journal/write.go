package journal

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// answerWithin is how long a write waits for its answer. Who gives up at once
// when ctx ends learns nothing: the write has left. So it is waited for.
const answerWithin = 5 * time.Second

// write stores m if the last message of its subject has the sequence last
// (zero: if there is none), and returns the sequence of m. It tries once:
// after "no responders" the first try may still have been stored, and a second
// would then come back as a conflict, which says "not stored".
//
// It is the client's PublishMsg without the options, the context and the timer
// that are made for each message: there are six of them to a campaign.
func (j *Journal) write(ctx context.Context, m *nats.Msg, last uint64, within time.Duration) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(last, 10)}
	reply, err := j.nc.RequestMsg(m, within)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Stream string              `json:"stream"`
		Seq    uint64              `json:"seq"`
		Error  *jetstream.APIError `json:"error"`
	}
	err = json.Unmarshal(reply.Data, &ack)
	switch {
	case err == nil && ack.Error != nil:
		return 0, ack.Error
	case err != nil || ack.Stream == "":
		return 0, jetstream.ErrInvalidJSAck
	}
	return ack.Seq, nil
}

// headers makes the headers of a message from name, value, name, value. The
// values are one piece of memory, not one for each.
func headers(pairs ...string) nats.Header {
	h := make(nats.Header, len(pairs)/2+2) // room for what the caller and write add
	values := make([]string, len(pairs)/2)
	for i := range values {
		values[i] = pairs[2*i+1]
		h[pairs[2*i]] = values[i : i+1 : i+1]
	}
	return h
}
