package runnertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// People are recipients in memory, phone numbers without fields. It is the port
// runner.People.
type People struct {
	mu         sync.Mutex
	phones     map[campaign.Key][]string
	suppressed map[string]bool
	orders     uint64               // about suppressed numbers, so far
	late       map[campaign.Key]int // how often they are still missing
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
	p.orders++
}

// Left is how many recipients of a key are kept.
func (p *People) Left(key campaign.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.phones[key])
}

func (p *People) read(ctx context.Context, key campaign.Key) (File, campaign.Prepared, error) {
	all, there := p.phones[key]
	switch {
	case ctx.Err() != nil:
		return "", campaign.Prepared{}, ctx.Err()
	case !there:
		return "", campaign.Prepared{}, &runner.Unusable{Field: "recipients", Words: "the recipients are not kept any more", Missing: true}
	case p.late[key] > 0:
		p.late[key]--
		return "", campaign.Prepared{}, &runner.Unusable{Field: "audience.chunks", Words: "chunk 2 of 3 is missing", Missing: true}
	}
	f := campaign.Prepared{Given: int64(len(all)), Screened: p.orders}
	lines, seen := []string{"phoneNumber"}, []string{}
	for _, phone := range all {
		switch {
		case !strings.HasPrefix(phone, "+"):
			f.Malformed++
		case slices.Contains(seen, phone):
			f.Duplicate++
		case p.suppressed[phone]:
			f.Suppressed++
		default:
			seen, lines = append(seen, phone), append(lines, phone)
		}
	}
	file := File(strings.Join(lines, "\n") + "\n")
	sum := sha256.Sum256([]byte(file))
	f.Sent, f.Digest = int64(len(seen)), hex.EncodeToString(sum[:])
	return file, f, nil
}

// Prepare reads them.
func (p *People) Prepare(ctx context.Context, key campaign.Key, _ campaign.Request) (campaign.Prepared, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, figures, err := p.read(ctx, key)
	return figures, err
}

// Open returns the file.
func (p *People) Open(ctx context.Context, key campaign.Key, _ campaign.Request, digest string) (campaign.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	file, figures, err := p.read(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case figures.Digest != digest:
		return nil, runner.ErrChanged
	}
	return file.Whole, nil
}

// Screen says whether nobody of them was suppressed since.
func (p *People) Screen(ctx context.Context, key campaign.Key, _ campaign.Request, was campaign.Prepared) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil || was.Screened == p.orders {
		return p.orders, err
	}
	_, figures, err := p.read(ctx, key)
	if err == nil && figures.Digest != was.Digest {
		err = runner.ErrChanged
	}
	return p.orders, err
}

// Discard removes them.
func (p *People) Discard(ctx context.Context, key campaign.Key, _ campaign.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	delete(p.phones, key)
	return nil
}
