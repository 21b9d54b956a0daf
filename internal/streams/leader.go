package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A replica may not have heard yet of what is stored, and the client would ask any replica
// of a stream that allows it. Where absence is evidence, the leader is asked.

// question is what the leader of a stream is asked.
type question struct {
	Seq  uint64 `json:"seq,omitempty"`
	Last string `json:"last_by_subj,omitempty"`
	Next string `json:"next_by_subj,omitempty"` // from Seq on
}

// AskLeader asks the leader of a stream for the last message of a subject or of many; none
// is [jetstream.ErrMsgNotFound].
func AskLeader(ctx context.Context, nc *nats.Conn, stream, subject string) (*jetstream.RawStreamMsg, error) {
	return askLeader(ctx, nc, jetstream.DefaultAPIPrefix, stream, question{Last: subject})
}

// AskLeaderFor is the same for one message, by its sequence.
func AskLeaderFor(ctx context.Context, nc *nats.Conn, stream string, sequence uint64) (*jetstream.RawStreamMsg, error) {
	return askLeader(ctx, nc, jetstream.DefaultAPIPrefix, stream, question{Seq: sequence})
}

func askLeader(ctx context.Context, nc *nats.Conn, api, stream string, q question) (*jetstream.RawStreamMsg, error) {
	asked, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerWithin)
	defer cancel()
	reply, err := nc.RequestWithContext(ctx, api+"STREAM.MSG.GET."+stream, asked)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	switch err := json.Unmarshal(reply.Data, &answer); {
	case err != nil:
		return nil, err
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, jetstream.ErrInvalidJetStreamResponse
	}
	m := answer.Message
	var h nats.Header
	if len(m.Header) > 0 {
		if h, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return nil, err
		}
	}
	return &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Seq, Header: h, Data: m.Data, Time: m.Time}, nil
}

// LeaderInfo is what the leader of a stream says of it. A stream without a leader is spoken
// for by any of its replicas, which may have been empty a moment ago: that is waited out for
// [APIWithin], and is an error then.
func LeaderInfo(ctx context.Context, s jetstream.Stream, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, APIWithin)
	defer cancel()
	for {
		info, err := s.Info(ctx, o...)
		if err != nil || led(info) {
			return info, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("stream %s has no leader, and what its replicas hold may be old: %w", info.Config.Name, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// led says that the leader has spoken. Without a cluster there is nobody else.
func led(info *jetstream.StreamInfo) bool { return info.Cluster == nil || info.Cluster.Leader != "" }

// apiPrefix is where JetStream is asked, as somebody reaches it.
func apiPrefix(js jetstream.JetStream) string {
	if prefix := js.Options().APIPrefix; prefix != "" {
		return strings.TrimSuffix(prefix, ".") + "."
	}
	return jetstream.DefaultAPIPrefix
}
