package scenario_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/sms"
)

// lists are the files that companies lay down beside their requests, or publish under a
// name. They are read as the service reads them, out of memory in the place of a stream.
type lists struct {
	mu    sync.Mutex
	files map[string]string           // by digest
	named map[string]campaign.Version // the newest, by source and name
}

var _ runner.People = (*lists)(nil)

func newLists() *lists {
	return &lists{files: map[string]string{}, named: map[string]campaign.Version{}}
}

// lay lays a file down, and returns what a request says of it.
func (l *lists) lay(file string) *campaign.Audience {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := sha256.Sum256([]byte(file))
	a := &campaign.Audience{Digest: hex.EncodeToString(sum[:]), Size: int64(len(file)), Chunks: 1, Format: campaign.CSV}
	l.files[a.Digest] = file
	return a
}

// publish publishes a file under a name.
func (l *lists) publish(source, name, file string) {
	a := l.lay(file)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.named[source+"."+name] = campaign.Version{Name: name, Digest: a.Digest, Size: a.Size, Chunks: 1, Format: campaign.CSV, AsOf: time.Now().UTC()}
}

// lacks says why no list of a name is taken now; empty: one is.
func (l *lists) lacks(source string, a *campaign.Audience) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.TooOld(l.named[source+"."+a.Name], time.Now())
}

// Prepare reads them.
func (l *lists) Prepare(_ context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error) {
	var taken campaign.Version
	if a := r.Audience; a.Name != "" && a.Digest == "" {
		if why := l.lacks(key.Source, a); why != "" {
			return campaign.Prepared{}, &runner.Unusable{Field: "named_audience", Words: why, Stale: true}
		}
		l.mu.Lock()
		taken = l.named[key.Source+"."+a.Name]
		l.mu.Unlock()
		r.Audience = taken.Of(*a)
	}
	p, err := l.prepare(r, io.Discard)
	p.Version = taken
	return p, err
}

func (l *lists) prepare(r campaign.Request, to io.Writer) (campaign.Prepared, error) {
	l.mu.Lock()
	file := l.files[r.Audience.Digest]
	l.mu.Unlock()
	w := audience.Wish{Region: r.Region, Fields: audience.Fields(sms.Placeholders(r.Text)), Lacks: r.Lacking}
	found, err := audience.Prepare(audience.FromCSV(strings.NewReader(file), w.Fields), w, to, nil)
	if err != nil {
		return campaign.Prepared{}, &runner.Unusable{Field: "audience", Words: err.Error()}
	}
	return campaign.Prepared{Digest: found.Digest, Given: found.Given, Sent: found.Valid, Malformed: found.Out[audience.Malformed],
		Duplicate: found.Out[audience.Duplicate], Lacking: found.Out[audience.Lacking]}, nil
}

// Open returns the file to upload.
func (l *lists) Open(_ context.Context, _ campaign.Key, r campaign.Request, digest string) (campaign.File, error) {
	var file strings.Builder
	switch p, err := l.prepare(r, &file); {
	case err != nil:
		return nil, err
	case p.Digest != digest:
		return nil, runner.ErrChanged
	}
	return func(write func([]byte) error) error { return write([]byte(file.String())) }, nil
}

// Screen says that they may be sent to: nobody is suppressed in these stories.
func (l *lists) Screen(context.Context, campaign.Key, campaign.Request, campaign.Prepared) (uint64, error) {
	return 0, nil
}

// Discard removes a list, unless it is the newest under a name.
func (l *lists) Discard(_ context.Context, _ campaign.Key, r campaign.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.named {
		if v.Digest == r.Audience.Digest {
			return runner.ErrNewest
		}
	}
	delete(l.files, r.Audience.Digest)
	return nil
}

// kept is how many files are kept.
func (l *lists) kept() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.files)
}

// oneByOne lets one campaign of a company at a time give people their values, whoever they
// are: the service looks which people two campaigns share. It is the port runner.Claims.
type oneByOne struct {
	mu     sync.Mutex
	holder campaign.Key // zero: nobody
	number uint64       // of the claim that stands, or stood last
}

var _ runner.Claims = (*oneByOne)(nil)

// Claim gives the campaign its people, if no other one has its own.
func (o *oneByOne) Claim(_ context.Context, _ string, c campaign.Campaign) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.holder {
	case c.Key:
	case campaign.Key{}:
		o.holder = c.Key
		o.number++
	default:
		return 0, &runner.Ahead{Behind: campaign.Behind{Key: o.holder}}
	}
	return o.number, nil
}

// Release gives them up.
func (o *oneByOne) Release(_ context.Context, _ string, key campaign.Key, _ uint64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == key {
		o.holder = campaign.Key{}
	}
	return nil
}
