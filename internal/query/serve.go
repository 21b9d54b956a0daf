package query

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Options are what Serve needs.
type Options struct {
	Reader       Reader
	Check        func(context.Context, CheckAsk) (Checked, error)
	Suppressions func(context.Context, SuppressionsAsk) (Suppressions, error)
	Health       func() Health // at once
	Version      string        // of the program
	Log          *slog.Logger
}

// shapes is the version of the questions and answers: it grows by additions only.
const shapes = "1.0.0"

// answerWithin limits the time for one answer, and checkWithin that for a check: the
// gateway may take long to count a list. The asker waits a little longer.
const answerWithin, checkWithin = 10 * time.Second, time.Minute

// Service answers questions until it is stopped.
type Service struct {
	Options
	nc     *nats.Conn
	micro  micro.Service
	slots  slots
	ctx    context.Context
	cancel context.CancelFunc
	inHand sync.WaitGroup
}

// Serve answers on a connection, which it does not close. Several services on one NATS
// share the questions.
func Serve(nc *nats.Conn, o Options) (*Service, error) {
	s := &Service{Options: o, nc: nc}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	s.micro, err = micro.AddService(nc, micro.Config{
		Name: "staffetta-query", Version: shapes, Description: "Staffetta: questions about campaigns",
		Metadata: map[string]string{"version": cmp.Or(o.Version, "dev")},
	})
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("answer questions: %w", err)
	}
	for _, v := range verbs {
		about := micro.WithEndpointMetadata(map[string]string{"about": v.about, "fields": strings.Join(v.fields, ", ")})
		for name, subject := range map[string]string{v.name: Subject + v.name, v.name + "-of-source": Subject + v.name + ".*"} {
			if err := s.micro.AddEndpoint(name, s.endpoint(v), micro.WithEndpointSubject(subject), about); err != nil {
				return nil, errors.Join(fmt.Errorf("answer questions: %w", err), s.Stop())
			}
		}
	}
	// A question that is asked from now on is answered: the server knows all
	// subscriptions. If the server does not answer here, it will know them once it is
	// connected again.
	_ = nc.FlushTimeout(time.Second)
	return s, nil
}

// Stop takes no more questions, and returns when the last one is answered.
func (s *Service) Stop() error {
	err := s.micro.Stop()
	// Once the server knows this, it tells an asker at once that no service is there.
	// If the connection is gone, the server knows it without this.
	_ = s.nc.FlushTimeout(time.Second)
	s.cancel()
	s.inHand.Wait()
	return err
}

func (s *Service) endpoint(v verb) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		// The service must not be made to publish elsewhere. An asker of its own
		// account names the subject of the answer, and the service may publish where
		// the asker may not.
		if !strings.HasPrefix(r.Reply(), nats.InboxPrefix) && !strings.HasPrefix(r.Reply(), "_R_.") {
			s.Log.Warn("a question wants its answer elsewhere than in an inbox: it gets none", "subject", r.Subject(), "reply", r.Reply())
			return
		}
		_, source, _ := strings.Cut(strings.TrimPrefix(r.Subject(), Subject), ".")
		if !s.slots.take(source) {
			s.say(r, v, source, time.Now(), nil, &Error{TooMany, "", "too many questions are in hand: ask again in a moment"})
			return
		}
		// A slow answer does not delay the next question.
		s.inHand.Go(func() {
			defer s.slots.giveBack(source)
			began := time.Now()
			ctx, cancel := context.WithTimeout(s.ctx, v.within)
			defer cancel()
			var answer any
			// NATS allows a * as a token of the subject of a message.
			err := checkSource(source)
			if err == nil {
				answer, err = v.answer(ctx, s.Options, source, r.Data())
			}
			s.say(r, v, source, began, answer, s.sort(ctx, v, err))
		})
	})
}

// sort turns an error into an answer.
func (s *Service) sort(ctx context.Context, v verb, err error) *Error {
	var answer *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer):
		return answer
	case s.ctx.Err() != nil:
		return &Error{Closing, "", "this service is about to end: ask again"}
	case ctx.Err() != nil:
		return &Error{TooSlow, "", fmt.Sprintf("it could not be read within %s: %v", v.within, err)}
	}
	return &Error{Failed, "", err.Error()}
}

// respond publishes an answer. A micro.Request keeps what it was answered with for the
// statistics of its service, which read it as soon as the handler returns: it must not be
// answered later, from here.
func (s *Service) respond(r micro.Request, h nats.Header, data []byte) error {
	return s.nc.PublishMsg(&nats.Msg{Subject: r.Reply(), Header: h, Data: data})
}

// say sends the answer.
func (s *Service) say(r micro.Request, v verb, source string, began time.Time, answer any, wrong *Error) {
	var err error
	if wrong == nil {
		var data []byte
		data, err = marshal(answer)
		switch most := s.nc.MaxPayload(); {
		case err != nil:
			wrong = &Error{Failed, "", err.Error()}
		case int64(len(data)) <= most:
			err = s.respond(r, nats.Header{}, data)
		default:
			wrong = &Error{TooLarge, "", fmt.Sprintf("the answer has %d bytes, and NATS takes %d: ask for fewer, or raise its max_payload", len(data), most)}
		}
	}
	if wrong != nil {
		var data []byte
		if data, err = marshal(refusal{wrong}); err == nil {
			err = s.respond(r, nats.Header{micro.ErrorCodeHeader: {Codes[wrong.Code]}, micro.ErrorHeader: {oneLine(wrong.Text)}}, data)
		}
	}
	who := askerOf(r)
	log := s.Log.With("verb", v.name, "source", source, "account", who.Account, "user", cmp.Or(who.User, who.Name), "took", time.Since(began).String())
	switch {
	case err != nil:
		log.Warn("a question was not answered", "error", err)
	case wrong != nil && wrong.Code == NotYours:
		log.Warn("a question about others was refused", "error", wrong.Text)
	case wrong != nil:
		log.Debug("question", "code", string(wrong.Code), "error", wrong.Text)
	default:
		log.Debug("question")
	}
}

// refusal is the body of an error.
type refusal struct {
	Error *Error `json:"error"`
}

func marshal(v any) ([]byte, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(strings.TrimSuffix(out.String(), "\n")), err
}

// asker is the name of the asker. For a question from another account the server wrote
// it. Within the service's own account any user may write it, so it is used only for
// the log: the subject decides what may be asked about.
type asker struct {
	Account string `json:"acc"`
	User    string `json:"user"`
	Name    string `json:"name"`
}

func askerOf(r micro.Request) (a asker) {
	if err := json.Unmarshal([]byte(r.Headers().Get("Nats-Request-Info")), &a); err != nil {
		return asker{}
	}
	return a
}
