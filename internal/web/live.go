package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/client"
)

// live tells browsers that something has changed. It reads the events once for all of
// them. A page asks again when it hears of a change: so what it shows is always the
// service's answer, and never what a script has put together.
type live struct {
	mu        sync.Mutex
	listeners map[chan struct{}]string // what each wants to hear of: a key, or *
}

// atOnce is how many browsers are told. Another one asks every few seconds instead.
const atOnce = 500

func newLive() *live { return &live{listeners: map[chan struct{}]string{}} }

// run reads the events until ctx ends. While they cannot be read the pages ask by
// themselves, every few seconds.
func (l *live) run(ctx context.Context, c *client.Client, log *slog.Logger) {
	for ctx.Err() == nil {
		if err := l.read(ctx, c); err != nil && ctx.Err() == nil {
			log.Warn("pages are not told of changes, and ask every few seconds instead", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

func (l *live) read(ctx context.Context, c *client.Client) error {
	feed, err := c.Follow(ctx, client.WatchOptions{Follow: true, New: true})
	if err != nil {
		return err
	}
	l.say("") // what was missed meanwhile
	for e, err := range feed.All(ctx) {
		if err != nil {
			return err
		}
		l.say(e.About())
	}
	return nil
}

// say tells that something has changed about a key; empty: about anything. Whoever has
// not yet looked for the last change is not told of another one.
func (l *live) say(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for heard, of := range l.listeners {
		if of == "*" || key == "" || of == key {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	}
}

// listen is told of changes until done. False: there are too many already.
func (l *live) listen(of string) (heard chan struct{}, done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.listeners) >= atOnce {
		return nil, nil, false
	}
	heard = make(chan struct{}, 1)
	l.listeners[heard] = of
	return heard, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.listeners, heard)
	}, true
}

// aliveEvery is how often a browser hears that the line still stands.
const aliveEvery = 15 * time.Second

// follow is the stream of server-sent events: "changed", whenever something has.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	if _, err := s.SignIn.Person(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	heard, done, ok := s.live.listen(r.URL.Query().Get("of"))
	if !ok {
		http.Error(w, "too many pages are open: this one asks by itself", http.StatusServiceUnavailable)
		return
	}
	defer done()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects would make it late
	say := func(text string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return false
		}
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for ok := say("retry: 2000\n\n"); ok; {
		select {
		case <-r.Context().Done():
			return
		case <-heard:
			ok = say("data: changed\n\n")
		case <-alive.C:
			ok = say(": alive\n\n")
		}
	}
}
