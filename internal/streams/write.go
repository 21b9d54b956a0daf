package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// AnswerWithin is how long a write waits for its answer. Who gives up at once
// when ctx ends learns nothing: the write has left. So it is waited for.
const AnswerWithin = 5 * time.Second

// Write stores m if the last message of its subject has the sequence last
// (zero: if there is none), and returns the sequence of m. It tries once:
// after "no responders" the first try may still have been stored, and a second
// would then come back as a conflict, which says "not stored".
//
// It is the client's PublishMsg without the options, the context and the timer
// that are made for each message: there are six of them to a campaign.
func Write(ctx context.Context, nc *nats.Conn, m *nats.Msg, last uint64, within time.Duration) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(last, 10)}
	reply, err := nc.RequestMsg(m, within)
	if err != nil {
		return 0, err
	}
	if seq, plain := sequenceIn(reply.Data); plain {
		return seq, nil
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

// sequenceIn reads the answer that nearly every write has, {"stream":"NAME","seq":N},
// without a JSON reader, which takes longer than the rest of a write. False: the answer
// says more, or it is written otherwise.
func sequenceIn(ack []byte) (seq uint64, plain bool) {
	rest, begins := bytes.CutPrefix(ack, []byte(`{"stream":"`))
	name, rest, follows := bytes.Cut(rest, []byte(`","seq":`))
	digits, ends := bytes.CutSuffix(rest, []byte("}"))
	if !begins || !follows || !ends || len(name) == 0 || bytes.ContainsAny(name, `"\`) {
		return 0, false
	}
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	return seq, err == nil && seq > 0
}

// NoRetry keeps the client from repeating a save by itself: after "no
// responders" the first one may still have been stored, and the second would
// then come back as a conflict, which says "not stored".
func NoRetry() jetstream.PublishOpt { return jetstream.WithRetryAttempts(0) }

// NewMsg is a message to be written.
func NewMsg(subject string, header nats.Header, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: header, Data: data}
}
