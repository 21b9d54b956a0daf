package runnertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// People are recipients in memory: a phone number each, and perhaps the value of a field
// behind a comma. It is the port runner.People.
type People struct {
	mu         sync.Mutex
	phones     map[campaign.Key][]string
	suppressed map[string]bool
	late       map[campaign.Key]int // how often they are still missing
	lists      []list               // under names, the newest last
}

// list is one of those that are published under a name.
type list struct {
	version campaign.Version
	phones  []string
}

var _ runner.People = (*People)(nil)

// NewPeople returns nobody.
func NewPeople() *People {
	return &People{phones: map[campaign.Key][]string{}, suppressed: map[string]bool{}, late: map[campaign.Key]int{}}
}

// Bring is the recipients coming with a request. A number that does not begin with a plus
// is malformed.
func (p *People) Bring(key campaign.Key, phones ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phones[key] = phones
}

// Publish publishes a list under a name.
func (p *People) Publish(name string, asOf time.Time, phones ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists = append(p.lists, list{campaign.Version{Name: name, Digest: fmt.Sprintf("list %d", len(p.lists)+1), Size: 1, Chunks: 1, AsOf: asOf}, phones})
}

// newest is the list that was published last under a name.
func (p *People) newest(name string) (last list) {
	for _, l := range p.lists {
		if l.version.Name == name {
			last = l
		}
	}
	return last
}

// Miss lets a part be missing for the next reads.
func (p *People) Miss(key campaign.Key, reads int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late[key] = reads
}

// Suppress lets somebody not be written to any more.
func (p *People) Suppress(phone string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.suppressed[phone] = true
}

// Left is how many recipients of a key are kept.
func (p *People) Left(key campaign.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.phones[key])
}

func (p *People) read(ctx context.Context, key campaign.Key, r campaign.Request) (File, campaign.Prepared, error) {
	all, there := p.phones[key]
	var taken campaign.Version
	if a := r.Audience; a != nil && a.Name != "" {
		all, there = nil, true
		for _, l := range p.lists {
			if l.version.Digest == a.Digest {
				all = l.phones
			}
		}
		if a.Digest == "" {
			newest := p.newest(a.Name)
			if why := a.TooOld(newest.version, time.Now()); why != "" {
				return "", campaign.Prepared{}, &runner.Unusable{Field: "named_audience", Words: why, Stale: true}
			}
			all, taken = newest.phones, newest.version
		}
	}
	switch {
	case ctx.Err() != nil:
		return "", campaign.Prepared{}, ctx.Err()
	case !there:
		return "", campaign.Prepared{}, &runner.Unusable{Field: "recipients", Words: "the recipients are not kept any more", Missing: true}
	case p.late[key] > 0:
		p.late[key]--
		return "", campaign.Prepared{}, &runner.Unusable{Field: "audience.chunks", Words: "chunk 2 of 3 is missing", Missing: true}
	}
	f := campaign.Prepared{Given: int64(len(all)), Version: taken}
	lines, seen := []string{"phoneNumber"}, []string{}
	for _, line := range all {
		phone, _, _ := strings.Cut(line, ",")
		switch {
		case !strings.HasPrefix(phone, "+"):
			f.Malformed++
		case slices.Contains(seen, phone):
			f.Duplicate++
		case p.suppressed[phone]:
			f.Suppressed++
		default:
			seen, lines = append(seen, phone), append(lines, line)
		}
	}
	file := File(strings.Join(lines, "\n") + "\n")
	sum := sha256.Sum256([]byte(file))
	f.Sent, f.Digest = int64(len(seen)), hex.EncodeToString(sum[:])
	return file, f, nil
}

// Prepare reads them.
func (p *People) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, figures, err := p.read(ctx, key, r)
	return figures, err
}

// Open returns the file.
func (p *People) Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (campaign.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	file, figures, err := p.read(ctx, key, r)
	switch {
	case err != nil:
		return nil, err
	case figures.Digest != digest:
		return nil, runner.ErrChanged
	}
	return file.Whole, nil
}

// Discard removes them, but for the newest list under a name.
func (p *People) Discard(ctx context.Context, key campaign.Key, r campaign.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if a := r.Audience; a != nil && a.Name != "" {
		if newest := p.newest(a.Name); newest.version.Digest == a.Digest && a.Digest != "" {
			return runner.ErrNewest
		}
		p.lists = slices.DeleteFunc(p.lists, func(l list) bool { return l.version.Digest == a.Digest })
		return nil
	}
	delete(p.phones, key)
	return nil
}
