package runner

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// unsavedFor is how long saving stays in doubt after a failed save, unless a new record
// is saved.
const unsavedFor = time.Minute

// noteUnsaved notes that a record could not be saved.
func (r *Runner) noteUnsaved(key campaign.Key, err error) {
	r.unsaved.Store(r.clock().UnixNano())
	r.observer.Unsaved(key, err)
}

// Recording says whether records can be saved, as far as is known.
func (r *Runner) Recording() bool {
	last := r.unsaved.Load()
	return last == 0 || r.clock().Sub(time.Unix(0, last)) >= unsavedFor
}
