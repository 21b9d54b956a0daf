package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/claims"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

const (
	// heldFor is when a claim lapses whose campaign has no record any more: no sending
	// takes longer. waitsFor is when a place in the queue does, of a campaign that does not
	// look any more; it looks each minute.
	heldFor, waitsFor = 3 * 24 * time.Hour, 15 * time.Minute
	// rowsFor is when hashes go by themselves that nobody has removed, and rowsGood how old
	// they are at most when a claim begins.
	rowsFor, rowsGood = 8 * 24 * time.Hour, 24 * time.Hour
	// rowsAtOnce is how many bytes of hashes are held at once. A longer audience is read
	// several times.
	rowsAtOnce = 16 << 20
)

// Claims keeps apart campaigns with the same people, for all services. See [runner.Claims].
//
// The claims of an account are one value in KV_people, under compare-and-set. The hashes of
// a claim's people lie beside it in chunks, and each has a time to live.
func (j *Journal) Claims() runner.Claims {
	return &claimKeeper{people: people{j}, seen: map[string]seenTable{}}
}

type claimKeeper struct {
	people
	mu   sync.Mutex
	seen map[string]seenTable // by account
}

// seenTable is how the claims of an account were last seen.
type seenTable struct {
	epoch, sequence uint64
}

// Claim gives a campaign its people. The hashes are stored before the claim is: a crash in
// between leaves hashes that go by themselves.
func (k *claimKeeper) Claim(ctx context.Context, account string, c campaign.Campaign) (uint64, error) {
	number, err := k.claim(ctx, account, c)
	if _, waits := errors.AsType[*runner.Ahead](err); err != nil && !waits {
		return 0, fmt.Errorf("claim the people of %s: %w", c.Key, err)
	}
	return number, err
}

func (k *claimKeeper) claim(ctx context.Context, account string, c campaign.Campaign) (uint64, error) {
	secret, err := k.HashKey(ctx)
	if err != nil {
		return 0, err
	}
	if err := k.restore(ctx, account, c.Key); err != nil {
		return 0, err
	}
	fields := fieldsOf(c.Request)
	folded := make([]string, len(fields))
	for i, f := range fields {
		folded[i] = claims.Fold(f)
	}
	rows := claims.Rows{Digest: c.Prepared.Digest, Key: secret.ID, Fields: folded, Bits: claims.BitsFor(c.Prepared.Sent, len(fields)), Stored: time.Now().UTC()}
	t, _, err := k.load(ctx, account)
	if err != nil {
		return 0, err
	}
	if had := t.Of(c.Key.String()).Rows; had.Digest == rows.Digest && had.Key == rows.Key && time.Since(had.Stored) < rowsGood {
		rows = had
	} else if err := k.storeRows(ctx, account, c, secret, rows); err != nil {
		return 0, err
	}
	looks := lookout{k, ctx, account, c.Key, rows, map[uint64]claims.Verdict{}, map[uint64]campaign.Campaign{}}
	for {
		t, last, err := k.load(ctx, account)
		if err != nil {
			return 0, err
		}
		now := time.Now().UTC()
		known := t.Of(c.Key.String()).Behind
		next, mine, behind, changed, err := t.Take(claims.Wish{Key: c.Key.String(), Rows: rows, HeldFor: now.Add(heldFor), WaitsFor: now.Add(waitsFor)}, now,
			func(other claims.Claim) (claims.Verdict, error) { return looks.at(other, other.Number == known) })
		if err == nil && changed {
			err = k.store(ctx, account, next, last)
		}
		switch {
		case errors.Is(err, loop.ErrConflict) && ctx.Err() == nil:
			continue // somebody else was quicker
		case err != nil:
			return 0, err
		case behind != nil:
			return 0, &runner.Ahead{Behind: looks.ahead(*behind)}
		}
		return mine.Number, nil
	}
}

// Release takes out a claim, and its hashes.
func (k *claimKeeper) Release(ctx context.Context, account string, key campaign.Key, number uint64) error {
	for {
		t, last, err := k.load(ctx, account)
		if err != nil {
			return fmt.Errorf("release the people of %s: %w", key, err)
		}
		next, dropped := t.Drop(key.String(), number)
		if dropped == nil {
			return nil
		}
		err = k.store(ctx, account, next, last)
		if errors.Is(err, loop.ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			err = k.forgetRows(ctx, account, key, dropped.Rows)
		}
		if err != nil {
			return fmt.Errorf("release the people of %s: %w", key, err)
		}
		return nil
	}
}

// load reads the claims of an account from the leader.
func (k *claimKeeper) load(ctx context.Context, account string) (t claims.Table, last uint64, err error) {
	m, err := streams.AskLeader(ctx, k.nc, streams.People, streams.ClaimsPrefix+account)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return claims.Table{}, 0, nil
	}
	if err != nil {
		return claims.Table{}, 0, err
	}
	if m.Header.Get(streams.HeaderKV) != "" {
		return claims.Table{}, m.Sequence, nil
	}
	if err := json.Unmarshal(m.Data, &t); err != nil || t.Schema != claims.Schema {
		return claims.Table{}, 0, fmt.Errorf("%s is not what this version has written: replace every service by the newest, or delete it with nats kv del people claims.%s: it is made anew from the records", m.Subject, account)
	}
	return t, m.Sequence, nil
}

// store writes the claims if nobody else has since.
func (k *claimKeeper) store(ctx context.Context, account string, t claims.Table, last uint64) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	written, err := streams.Write(ctx, k.nc, streams.NewMsg(streams.ClaimsPrefix+account, nats.Header{}, data), last, streams.AnswerWithin)
	switch streams.SortWrite(err) {
	case streams.Exists, streams.Contended:
		return loop.ErrConflict
	}
	if err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		s := k.seen[account]
		s.sequence = max(s.sequence, written)
		k.seen[account] = s
	}
	return err
}

// restore puts back what the records say is held and the claims do not: on each new
// connection, and where the claims have gone back. A server that lost its power may have
// forgotten a claim whose campaign is being sent. Nobody knows any more whom it holds, so
// it holds everybody until it is over.
func (k *claimKeeper) restore(ctx context.Context, account string, own campaign.Key) error {
	epoch := k.epochs.Now()
	_, last, err := k.load(ctx, account)
	if err != nil {
		return err
	}
	k.mu.Lock()
	s := k.seen[account]
	k.mu.Unlock()
	if s.epoch == epoch && last >= s.sequence {
		return nil
	}
	for e, err := range k.openEntries(ctx) {
		if err != nil {
			return fmt.Errorf("look whether a claim was lost: %w", err)
		}
		if !e.Holds || e.Key == own {
			continue
		}
		c, _, err := k.Load(ctx, e.Key)
		if err != nil {
			return err
		}
		if !c.Request.Personal() || !c.Holds(time.Now()) || c.List != nil && c.List.Claim == 0 && c.List.Landing.IsZero() {
			continue
		}
		if of := c.Account; of != "" && of != account || of == "" && account != campaign.DefaultAccount {
			continue
		}
		if err := k.putBack(ctx, account, e.Key); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[account] = seenTable{epoch, last}
	return nil
}

// openEntries yields the campaigns that are open; before the first sweep it looks at all.
func (k *claimKeeper) openEntries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r, err := openRoster(ctx, k.records)
		if err == nil {
			for _, e := range r.entries() {
				if !yield(e, nil) {
					return
				}
			}
			return
		}
		if !errors.Is(err, ErrNoRoster) {
			yield(Entry{}, err)
			return
		}
		for r, err := range k.records.Walk(ctx, jetstream.ConsumerConfig{HeadersOnly: true}) {
			var e Entry
			if err == nil {
				e, _ = EntryOf(r) // the sweep says what is wrong with it
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (k *claimKeeper) putBack(ctx context.Context, account string, key campaign.Key) error {
	for {
		t, last, err := k.load(ctx, account)
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		next, changed := t.Restore(key.String(), now, now.Add(heldFor))
		if !changed {
			return nil
		}
		err = k.store(ctx, account, next, last)
		if errors.Is(err, loop.ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			k.options.Log.Warn("a claim was lost whose campaign holds its people by its record: it is put back, and holds everybody until it is over", "campaign", key.String(), "account", account)
		}
		return err
	}
}

// lookout looks at the claims of others, each once.
type lookout struct {
	*claimKeeper
	ctx     context.Context
	account string
	key     campaign.Key
	rows    claims.Rows
	had     map[uint64]claims.Verdict
	records map[uint64]campaign.Campaign
}

// at says what a claim is. One that stands in the way does so as long as its campaign's
// record says so: a hold that a crash left behind is void.
func (l *lookout) at(other claims.Claim, known bool) (claims.Verdict, error) {
	if v, had := l.had[other.Number]; had {
		return v, nil
	}
	v := claims.Stands
	if !known {
		differ, err := l.differ(other)
		if err != nil {
			return v, err
		}
		if !differ {
			v = claims.Apart
		}
	}
	if v == claims.Stands {
		key, err := campaign.ParseKey(other.Key)
		if err != nil {
			return v, err
		}
		c, _, err := l.Load(l.ctx, key)
		if err != nil {
			return v, err
		}
		l.records[other.Number] = c
		waits := c.State == campaign.Requested && c.List != nil && c.List.Behind != ""
		if c.State != "" && !c.Holds(time.Now()) && !(waits && !other.Held) {
			v = claims.Void
		}
	}
	l.had[other.Number] = v
	return v, nil
}

// ahead is what is said of a claim that stands in the way.
func (l *lookout) ahead(other claims.Claim) campaign.Behind {
	b := l.records[other.Number].AsAhead()
	b.Key, _ = campaign.ParseKey(other.Key)
	b.Waits, b.Lapses = !other.Held, other.Until
	return b
}

// differ says whether two claims give somebody different values. What cannot be compared
// is taken for different.
func (l *lookout) differ(other claims.Claim) (bool, error) {
	key, err := campaign.ParseKey(other.Key)
	if err != nil || other.Rows.Digest == "" || other.Rows.Key != l.rows.Key {
		return true, err
	}
	differ, err := claims.Differ(l.side(l.key, l.rows), l.side(key, other.Rows))
	if errors.Is(err, errNoRows) {
		return true, nil
	}
	return differ, err
}

func (l *lookout) side(key campaign.Key, r claims.Rows) claims.Side {
	return claims.Side{Fields: r.Fields, Bits: r.Bits, Chunk: func(n int) ([]uint64, error) {
		m, err := streams.AskLeader(l.ctx, l.nc, streams.People, rowsSubject(l.account, key, n))
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Header.Get(headerRows) != r.Digest {
			return nil, errNoRows
		}
		if err != nil {
			return nil, err
		}
		return claims.Decode(m.Data, 1+len(r.Fields))
	}}
}

// errNoRows says that hashes are not there any more, or are those of other people.
var errNoRows = errors.New("the hashes of a claim are not there")

// headerRows says whose people the hashes of a chunk are: the digest of what was prepared.
const headerRows = "staffetta-people"

func rowsSubject(account string, key campaign.Key, n int) string {
	return streams.RowsPrefix + account + "." + key.Source + "." + key.RequestID + "." + strconv.Itoa(n)
}

// storeRows hashes the people of a campaign, and stores that. Stored twice is stored once.
func (k *claimKeeper) storeRows(ctx context.Context, account string, c campaign.Campaign, secret HashKey, rows claims.Rows) error {
	h, width, all := secret.NewHash(), 1+len(rows.Fields), 1<<rows.Bits
	atOnce := rowsAtOnce / claims.ChunkSize
	for from := 0; from < all; from += atOnce {
		chunks := make([][]uint64, min(atOnce, all-from))
		now, err := k.prepareEach(ctx, c.Key, c.Taken(), io.Discard, func(e164 string, values []string) {
			number := h.Of("number", e164)
			n := claims.ChunkOf(number, rows.Bits) - from
			if n < 0 || n >= len(chunks) {
				return
			}
			chunks[n] = append(chunks[n], number)
			for _, v := range values {
				chunks[n] = append(chunks[n], h.Of("value", e164, v))
			}
		})
		if err != nil {
			return err
		}
		if now.Digest != rows.Digest {
			return runner.ErrChanged
		}
		for n, words := range chunks {
			chunks[n] = nil
			if err := k.writeRows(ctx, rowsSubject(account, c.Key, from+n), rows.Digest, claims.Encode(claims.Sort(words, width)), rowsFor); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetRows lets the hashes of a claim go at once.
func (k *claimKeeper) forgetRows(ctx context.Context, account string, key campaign.Key, rows claims.Rows) error {
	if rows.Digest == "" {
		return nil
	}
	for n := range 1 << rows.Bits {
		if err := k.writeRows(ctx, rowsSubject(account, key, n), "", nil, time.Second); err != nil {
			return err
		}
	}
	return nil
}

func (k *claimKeeper) writeRows(ctx context.Context, subject, digest string, data []byte, life time.Duration) error {
	m := nats.NewMsg(subject)
	m.Header.Set(headerRows, digest)
	m.Data = data
	_, err := k.js.PublishMsg(ctx, m, jetstream.WithMsgTTL(life))
	return err
}
