package loop

// Refusal says that an order of a person is not followed, now or later, and why.
type Refusal struct {
	Field string // at fault; empty: none in particular
	Note  string // with the remedy
}

func (r *Refusal) Error() string { return r.Note }
