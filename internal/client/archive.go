package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Archived is the archive of one month.
type Archived struct {
	Month     string // 2026-08
	File      string
	Campaigns int
	Kept      int // of them, those of which the archive knows more than the record does by now
}

// archived is a line of an archive: a campaign that ended in its month, as it was
// recorded, without what it said to people.
type archived struct {
	Key    string          `json:"key"`
	Stored time.Time       `json:"stored"` // when the record was saved
	Record json.RawMessage `json:"record"`
}

// Archive writes the campaigns that are over into a folder: a file for each month that
// is over, by when they ended, with a line of JSON for each campaign. It changes no
// record. A file that is there is written anew; what it knows of a campaign and the
// record does not any more stays in it. What a campaign said to people is left out:
// nobody would forget it there.
func (c *Client) Archive(ctx context.Context, folder string, now time.Time) (_ []Archived, err error) {
	months := map[string]*month{}
	defer func() {
		for _, m := range months {
			err = errors.Join(err, m.discard())
		}
	}()
	for k, err := range c.walk(ctx, streams.Records, jetstream.ConsumerConfig{}) {
		var r streams.Kept
		if err == nil {
			r, err = streams.KeptOf(k)
		}
		var e journal.Entry
		if err == nil && !r.Absent {
			e, err = journal.EntryOf(r)
		}
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		name := e.Since.UTC().Format("2006-01")
		if e.Key == (campaign.Key{}) || e.Open() || name >= now.UTC().Format("2006-01") {
			continue
		}
		rec, err := journal.DecodeRecord(e.Key, r.Data)
		if err != nil {
			return nil, fmt.Errorf("archive %s: %w", e.Key, err)
		}
		m := months[name]
		if m == nil {
			if m, err = newMonth(folder, name); err != nil {
				return nil, fmt.Errorf("archive: %w", err)
			}
			months[name] = m
		}
		if err := m.add(rec, r.Stored); err != nil {
			return nil, fmt.Errorf("archive %s: %w", e.Key, err)
		}
	}
	var all []Archived
	for _, m := range months {
		a, err := m.write()
		if err != nil {
			return nil, fmt.Errorf("archive %s: %w", m.name, err)
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Archived) int { return bytes.Compare([]byte(a.Month), []byte(b.Month)) })
	return all, nil
}

// month is the archive of a month under way: what the records say lies in a file of its
// own, until it is known what the archive before says more.
type month struct {
	name, file string
	fresh      *os.File
	small      map[string]bool // the campaigns of it, and whether their attempts are gone
}

func newMonth(folder, name string) (*month, error) {
	fresh, err := os.CreateTemp(folder, ".campaigns-"+name+"-*")
	if err != nil {
		return nil, err
	}
	return &month{name, filepath.Join(folder, "campaigns-"+name+".jsonl"), fresh, map[string]bool{}}, nil
}

func (m *month) discard() error {
	m.fresh.Close()
	if err := os.Remove(m.fresh.Name()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (m *month) add(c campaign.Campaign, stored time.Time) error {
	record, err := json.Marshal(c.Untold())
	if err != nil {
		return err
	}
	m.small[c.Key.String()] = !c.Shortened.IsZero()
	return writeLine(m.fresh, archived{c.Key.String(), stored.UTC(), record})
}

func writeLine(w io.Writer, a archived) error {
	data, err := json.Marshal(a)
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	return err
}

// write puts the file in its place: whole, or not at all.
func (m *month) write() (Archived, error) {
	a := Archived{Month: m.name, File: m.file}
	whole, err := os.CreateTemp(filepath.Dir(m.file), ".campaigns-"+m.name+"-*")
	if err != nil {
		return a, err
	}
	defer os.Remove(whole.Name())
	defer whole.Close()
	out := bufio.NewWriter(whole)
	done := map[string]bool{} // one that moved while it was read came twice
	copyLines := func(from io.Reader, takes func(archived) bool) error {
		for dec := json.NewDecoder(from); ; {
			var l archived
			if err := dec.Decode(&l); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if done[l.Key] || !takes(l) {
				continue
			}
			done[l.Key] = true
			a.Campaigns++
			if err := writeLine(out, l); err != nil {
				return err
			}
		}
	}
	before, err := os.Open(m.file)
	switch {
	case err == nil:
		defer before.Close()
		err = copyLines(before, func(l archived) bool {
			small, there := m.small[l.Key]
			var had campaign.Campaign
			// A line that cannot be read is somebody's, and stays.
			if there && (!small || json.Unmarshal(l.Record, &had) == nil && !had.Shortened.IsZero()) {
				return false
			}
			a.Kept++
			return true
		})
		if err != nil {
			return a, fmt.Errorf("read %s: %w; move it away, and what records still know is written anew", m.file, err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return a, err
	}
	if _, err := m.fresh.Seek(0, io.SeekStart); err != nil {
		return a, err
	}
	if err := copyLines(m.fresh, func(archived) bool { return true }); err != nil {
		return a, err
	}
	if err := errors.Join(out.Flush(), whole.Sync(), whole.Chmod(0o640)); err != nil {
		return a, err
	}
	return a, os.Rename(whole.Name(), m.file)
}
