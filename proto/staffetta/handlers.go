package staffetta

import (
	"context"

	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Handlers are what to do with each kind of event. An event whose handler is nil goes to
// Other; if that is nil too, it is acknowledged and forgotten.
//
// A handler is called for the same event again if it returned an error, and after a crash
// also if it did not: [Event.ID] is the same then, and by it a repetition can be told, in
// the same transaction as the work. Its context ends with the one of [Client.Consume].
type Handlers struct {
	AudiencePrepared func(context.Context, Event, *campaignv1.CampaignAudiencePrepared) error
	CostCalculated   func(context.Context, Event, *campaignv1.CampaignCostCalculated) error
	ApprovalRequired func(context.Context, Event, *campaignv1.CampaignApprovalRequired) error
	Approved         func(context.Context, Event, *campaignv1.CampaignApproved) error
	Deferred         func(context.Context, Event, *campaignv1.CampaignDeferred) error
	Confirmed        func(context.Context, Event, *campaignv1.CampaignConfirmed) error
	Stats            func(context.Context, Event, *campaignv1.CampaignStats) error
	Rejected         func(context.Context, Event, *campaignv1.CampaignRejected) error
	Cancelled        func(context.Context, Event, *campaignv1.CampaignCancelled) error
	Failed           func(context.Context, Event, *campaignv1.CampaignFailed) error
	Unresolved       func(context.Context, Event, *campaignv1.CampaignUnresolved) error

	// Other gets the events that nothing above gets: what became of standing orders, and
	// events of types that this version of the package does not know, without a Message.
	Other func(context.Context, Event) error
}

// handle calls the handler of an event.
func (h Handlers) handle(ctx context.Context, e Event) error {
	switch m := e.Message.(type) {
	case *campaignv1.CampaignAudiencePrepared:
		return call(ctx, h, h.AudiencePrepared, e, m)
	case *campaignv1.CampaignCostCalculated:
		return call(ctx, h, h.CostCalculated, e, m)
	case *campaignv1.CampaignApprovalRequired:
		return call(ctx, h, h.ApprovalRequired, e, m)
	case *campaignv1.CampaignApproved:
		return call(ctx, h, h.Approved, e, m)
	case *campaignv1.CampaignDeferred:
		return call(ctx, h, h.Deferred, e, m)
	case *campaignv1.CampaignConfirmed:
		return call(ctx, h, h.Confirmed, e, m)
	case *campaignv1.CampaignStats:
		return call(ctx, h, h.Stats, e, m)
	case *campaignv1.CampaignRejected:
		return call(ctx, h, h.Rejected, e, m)
	case *campaignv1.CampaignCancelled:
		return call(ctx, h, h.Cancelled, e, m)
	case *campaignv1.CampaignFailed:
		return call(ctx, h, h.Failed, e, m)
	case *campaignv1.CampaignUnresolved:
		return call(ctx, h, h.Unresolved, e, m)
	}
	return h.other(ctx, e)
}

func call[M proto.Message](ctx context.Context, h Handlers, handler func(context.Context, Event, M) error, e Event, m M) error {
	if handler == nil {
		return h.other(ctx, e)
	}
	return handler(ctx, e, m)
}

func (h Handlers) other(ctx context.Context, e Event) error {
	if h.Other == nil {
		return nil
	}
	return h.Other(ctx, e)
}
