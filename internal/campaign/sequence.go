package campaign

// announced is how many events the campaign has announced, or a number that no earlier
// one can have had. A record that an earlier version wrote has not counted them: they are
// not more than its ordinals say.
func (c Campaign) announced() int {
	if c.EventsN > 0 {
		return c.EventsN
	}
	n := c.Quotes + 2*c.ApprovalN + c.DeferredN + c.StatsN + c.UnresolvedN // an approval is asked for, and may be given
	if c.Confirmed != nil {
		n++
	}
	return n
}
