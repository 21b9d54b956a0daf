package app

import (
	"context"
	"fmt"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/suppression"
)

// suppressions answers who gets nothing, and who said so. A number that is asked about is
// hashed and kept nowhere.
func (a *App) suppressions(ctx context.Context, q query.SuppressionsAsk) (out query.Suppressions, err error) {
	list := a.journal.Suppressions()
	segments, by, err := []suppression.Segment(nil), []string(nil), error(nil)
	if q.Number == "" {
		segments, err = list.Segments(ctx, q.Source)
	} else {
		number, wrong := audience.Number(q.Number, q.Region)
		if wrong != nil {
			return out, &query.Error{Code: query.BadQuestion, Field: "number", Text: fmt.Sprintf("number: %v", wrong)}
		}
		segments, by, err = list.About(ctx, number, q.Source)
	}
	if err != nil {
		return out, err
	}
	from, _ := q.Place() // it has been checked
	page := query.NewPager[query.Suppression](q.Page, query.OneMessage)
	for _, s := range segments {
		if s.Place.Sequence > from && !page.Take(suppressionOf(s), strconv.FormatUint(s.Place.Sequence, 10)) {
			break
		}
	}
	out = query.Suppressions{Suppressions: page.Items, Next: page.Next}
	for _, scope := range by {
		out.SuppressedFor = append(out.SuppressedFor, scopeName(scope))
	}
	return out, nil
}

func suppressionOf(s suppression.Segment) query.Suppression {
	return query.Suppression{
		Source: scopeName(s.Source), Change: string(s.Change), At: s.At, By: s.By, Actor: s.Actor, Note: s.Note,
		Command: s.Command, Numbers: s.Numbers, Malformed: s.Malformed,
	}
}

// scopeName is a source, or * for everybody, as in the answers about budgets.
func scopeName(source string) string {
	if source == "" {
		return "*"
	}
	return source
}

// suppressing says whether any number gets nothing from a source.
func (a *App) suppressing(ctx context.Context, source string) (bool, error) {
	screen, err := a.journal.Suppressions().For(ctx, source)
	return !screen.Empty(), err
}
