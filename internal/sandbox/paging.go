package sandbox

import (
	"net/url"
	"strconv"
	"strings"
)

// paging is page= from 0 and limit=, 10 by default and 1000 at most.
type paging struct{ page, limit int }

func pagingOf(q url.Values) (p paging, bad reply, fine bool) {
	p = paging{limit: 10}
	for _, f := range []struct {
		name     string
		into     *int
		min, max int
	}{{"page", &p.page, 0, 1 << 30}, {"limit", &p.limit, 1, 1000}} {
		if !q.Has(f.name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(f.name))
		if err != nil || n < f.min || n > f.max {
			return p, badRequest(f.name, "Must be a number from %d to %d", f.min, f.max), false
		}
		*f.into = n
	}
	return p, reply{}, true
}

func cut[T any](items []T, p paging) []T {
	from := min(p.page*p.limit, len(items))
	return items[from:min(from+p.limit, len(items))]
}

// idsOf reads a comma-separated list of ids, such as ids=1,2,3.
func idsOf(q url.Values, name string) (ids []int, bad reply, fine bool) {
	for _, values := range q[name] {
		for value := range strings.SplitSeq(values, ",") {
			id, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return nil, badRequest(name, "%q is not an id", value), false
			}
			ids = append(ids, id)
		}
	}
	return ids, reply{}, true
}
