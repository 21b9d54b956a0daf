package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// bare makes the five calls of a campaign and nothing else, with the same
// settings of the HTTP client as the service.
type bare struct {
	client http.Client
	base   string
	key    string
	list   int64
}

func newBare(base, key string, list int64, inFlight int) *bare {
	return &bare{base: base, key: key, list: list, client: http.Client{Transport: &http.Transport{
		MaxConnsPerHost: inFlight + 2, MaxIdleConns: inFlight + 2, MaxIdleConnsPerHost: inFlight + 2,
		IdleConnTimeout: 30 * time.Second, DisableCompression: true,
	}}}
}

// rate confirms n campaigns, so many at once, and returns campaigns a second.
func (b *bare) rate(ctx context.Context, n, inFlight int) (float64, error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range inFlight {
		wg.Go(func() {
			for next.Add(1) <= int64(n) && ctx.Err() == nil && failed.Load() == nil {
				if _, err := b.campaign(ctx); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(n) / time.Since(began).Seconds(), ctx.Err()
}

// campaign makes the five calls and says how long they took.
func (b *bare) campaign(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	id, err := b.create(ctx)
	if err == nil {
		err = b.quote(ctx, id)
	}
	if err == nil {
		err = b.confirm(ctx, id)
	}
	return time.Since(began), err
}

func (b *bare) create(ctx context.Context) (int64, error) {
	var made struct{ ID int64 }
	err := b.call(ctx, "POST", "/campaigns", map[string]any{"name": name, "channel": "SMS", "description": "bench"}, &made)
	return made.ID, err
}

func (b *bare) quote(ctx context.Context, id int64) error {
	path := fmt.Sprintf("/campaigns/%d", id)
	var ignored json.RawMessage
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"PUT", path, map[string]any{"sender": sender, "text": text, "contactListId": b.list, "unicode": false}},
		{"POST", path + "/calculateGoal", nil},
		{"GET", path + "/price", nil},
	} {
		if err := b.call(ctx, c.method, c.path, c.body, &ignored); err != nil {
			return err
		}
	}
	return nil
}

func (b *bare) confirm(ctx context.Context, id int64) error {
	var ignored json.RawMessage
	return b.call(ctx, "PUT", fmt.Sprintf("/campaigns/%d/confirm", id), map[string]any{"sendImmediately": true}, &ignored)
}

func (b *bare) call(ctx context.Context, method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", b.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, raw)
	}
	return json.Unmarshal(raw, into)
}
