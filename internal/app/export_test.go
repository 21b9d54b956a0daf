package app

import "time"

// SweepEvery has a service that does not run yet sweep so often, and miss so soon
// whoever was not woken. In life that is minutes.
func (a *App) SweepEvery(d time.Duration) { a.journal.SweepEvery, a.journal.Overdue = d, d }
