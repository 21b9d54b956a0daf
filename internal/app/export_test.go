package app

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// NewSweeping builds a service that sweeps so often, and misses so soon whoever was not
// woken. In life that is minutes.
func NewSweeping(ctx context.Context, o Options, every time.Duration) (*App, error) {
	return build(ctx, o, journal.Options{SweepEvery: every, Overdue: every})
}

// CarryOut carries out a standing order, as for a message that may come again.
func (a *App) CarryOut(ctx context.Context, o contract.Order) (proto.Message, error) {
	return a.standing(ctx, o)
}

// Held is what this service believes of the red button.
func (a *App) Held(source string) string { return a.button.Held(source) }
