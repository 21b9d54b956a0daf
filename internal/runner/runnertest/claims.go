package runnertest

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/claims"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Claims keeps campaigns with the same people apart in memory. It is the port
// runner.Claims, over the real rules of a table.
type Claims struct {
	people  *People
	records func(campaign.Key) campaign.Campaign

	mu     sync.Mutex
	tables map[string]claims.Table // by account
}

var _ runner.Claims = (*Claims)(nil)

// NewClaims returns no claims. It sees who are whose people, and the records that are
// stored.
func NewClaims(p *People, records func(campaign.Key) campaign.Campaign) *Claims {
	return &Claims{people: p, records: records, tables: map[string]claims.Table{}}
}

// Claim gives a campaign its people.
func (k *Claims) Claim(_ context.Context, account string, c campaign.Campaign) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	mine := k.people.lines(c.Key)
	rows := claims.Rows{Digest: c.Prepared.Digest, Fields: []string{"code"}, Stored: now.Truncate(24 * time.Hour)}
	next, got, behind, _, err := k.tables[account].Take(claims.Wish{Key: c.Key.String(), Rows: rows, HeldFor: now.Add(72 * time.Hour), WaitsFor: now.Add(15 * time.Minute)}, now,
		func(other claims.Claim) (claims.Verdict, error) {
			key, err := campaign.ParseKey(other.Key)
			if err != nil {
				return claims.Stands, err
			}
			record := k.records(key)
			waits := record.State == campaign.Requested && record.List != nil && record.List.Behind != ""
			switch {
			case other.Rows.Digest != "" && !differ(mine, k.people.lines(key)):
				return claims.Apart, nil
			case record.State != "" && !record.Holds(now) && !(waits && !other.Held):
				return claims.Void, nil
			}
			return claims.Stands, nil
		})
	if err != nil {
		return 0, err
	}
	k.tables[account] = next
	if behind == nil {
		return got.Number, nil
	}
	key, err := campaign.ParseKey(behind.Key)
	b := k.records(key).AsAhead()
	b.Key, b.Waits, b.Lapses = key, !behind.Held, behind.Until
	if err != nil {
		return 0, err
	}
	return 0, &runner.Ahead{Behind: b}
}

// Release takes out a claim.
func (k *Claims) Release(_ context.Context, account string, key campaign.Key, number uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tables[account], _ = k.tables[account].Drop(key.String(), number)
	return nil
}

// Forget loses every claim, as a power cut may.
func (k *Claims) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.tables)
}

// differ says whether two give the same phone another line.
func differ(a, b map[string]string) bool {
	for phone, line := range a {
		if other, both := b[phone]; both && other != line {
			return true
		}
	}
	return false
}

// lines are what is written of each of a campaign's people, by the phone.
func (p *People) lines(key campaign.Key) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]string{}
	for _, line := range p.phones[key] {
		phone, _, _ := strings.Cut(line, ",")
		if _, twice := all[phone]; !twice {
			all[phone] = line
		}
	}
	return all
}
