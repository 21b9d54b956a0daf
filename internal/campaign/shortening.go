package campaign

// tooWhole says that a campaign's record has been kept whole for as long as it may be.
// An unresolved one stays whole: its attempts are what a person has to go by.
func (t *transition) tooWhole() bool {
	return t.KeepWhole > 0 && t.c.State.Final() && t.c.State != Unresolved && t.c.Shortened.IsZero() && !t.c.unsettled() &&
		t.c.Wake.IsZero() && !t.now.Before(t.c.Since.Add(t.KeepWhole))
}

// shorten makes the record small. What is taken away told how the campaign came to its
// end. What stays is what the same request, show, an auditor and the rules of evidence
// need: the key and the request, the drafts with their gateway, every ordinal, the quote,
// the confirmation, the statistics, the reason, and who approved, cancelled and resolved.
func (t *transition) shorten() Decision {
	t.c.Shortened = t.now
	t.c.Attempts, t.c.Unanswered, t.c.Progress, t.c.Waiting = nil, nil, nil, ""
	return t.save()
}
