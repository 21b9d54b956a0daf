package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/spelling"
)

// nearWithin is how long it is looked for the key that was meant. The error that it is
// part of does not wait longer.
const nearWithin = time.Second

// meantKey is the question behind the key of a campaign that there is not: `, did you
// mean "shop-italia.black-friday-2026"?`. Empty: none is near, or the keys cannot be
// read.
func meantKey(ctx context.Context, c *client.Client, key campaign.Key) string {
	ctx, cancel := context.WithTimeout(ctx, nearWithin)
	defer cancel()
	all, err := listedKeys(ctx, c, query.ListAsk{Source: key.Source})
	if err == nil && len(all) == 0 { // perhaps the source is misspelt
		all, err = listedKeys(ctx, c, query.ListAsk{})
	}
	if err != nil {
		return ""
	}
	return nearest(key.String(), key.RequestID, all)
}

// nearest is the question about the known key that is near to the one that was written,
// whose own part is id. A key is long, and half of it is the source: it has to be nearer
// than a word.
func nearest(written, id string, all []string) string {
	best, least := "", max(len(id)/4, 2)+1
	for _, known := range all {
		if d := spelling.Distance(written, known); d < least {
			best, least = known, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// noCampaign is the error for a key that there is not; lists are the flags of ls by
// which what was meant is found.
func noCampaign(ctx context.Context, t Terminal, c *client.Client, key campaign.Key, lists string) error {
	return fmt.Errorf("there is no campaign %s%s %s ls%s", key, cmp.Or(meantKey(ctx, c, key), ":"), t.Name, lists)
}
