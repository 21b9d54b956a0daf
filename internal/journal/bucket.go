package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// bucket is the stream of the records as it was seen last. Somebody may delete it
// under a running service, or restore an older one: sequence numbers are given
// again, and what was read before is void (rule 20). A restored stream bears the
// date of the lost one, but it has gone back.
type bucket struct {
	made       time.Time
	last       uint64
	reconnects uint64
}

// look says whether the stream is another one than it was. After a reconnect it may
// have gone back without anybody's doing: power was lost, and everything read before
// is void already.
func (b *bucket) look(info *jetstream.StreamInfo, reconnects uint64) (another bool) {
	back := info.State.LastSeq < b.last && reconnects == b.reconnects
	another = !b.made.IsZero() && (!info.Created.Equal(b.made) || back)
	*b = bucket{info.Created, info.State.LastSeq, reconnects}
	return another
}

// lookAtBucket makes every revision void if the records are in another bucket than
// before. A stream that cannot be asked cannot be written to either.
func (j *Journal) lookAtBucket() {
	ctx, cancel := context.WithTimeout(context.Background(), streams.AnswerWithin)
	defer cancel()
	reconnects := j.nc.Stats().Reconnects
	info, err := streams.LeaderInfo(ctx, j.records.Stream())
	if err != nil || !j.bucket.look(info, reconnects) {
		return
	}
	j.epochs.MadeAnew()
	j.options.Log.Error("the records were deleted, or restored from a backup, while the service was running: stop every service, restore all streams together, start again; docs/disaster.md says how",
		"stream", streams.Records, "created", info.Created, "last_sequence", info.State.LastSeq)
}
