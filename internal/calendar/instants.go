package calendar

import "time"

// Instants finds every instant at which clocks in a zone show a local time:
// one, two where they are put back over it, none where they are put forward.
// Then shifted is as long after the change as the time would have been, and
// skipped is how much the change skips.
//
// It tries the offsets from before and after any change near by.
// [time.Date] does not promise which instant it returns around a change, and
// [time.Time.ZoneBounds] may end before it begins on the last day of a leap
// year: a loop over it would never end.
func Instants(d Date, c Clock, loc *time.Location) (found []time.Time, shifted time.Time, skipped time.Duration) {
	wall := d.wall(c)
	// Offsets are at most 16 hours, and no zone changes twice in two days.
	const reach = 24 * 3600
	before, after := offset(wall-reach, loc), offset(wall+reach, loc)
	if at := wall - before; offset(at, loc) == before {
		found = append(found, time.Unix(at, 0).UTC())
	}
	if at := wall - after; after != before && offset(at, loc) == after {
		found = append(found, time.Unix(at, 0).UTC())
	}
	return found, time.Unix(wall-before, 0).UTC(), time.Duration(after-before) * time.Second
}

// offset is what a zone's clocks are ahead of UTC at an instant, in seconds.
func offset(unix int64, loc *time.Location) int64 {
	_, o := time.Unix(unix, 0).In(loc).Zone()
	return int64(o)
}

// Change is the instant between two others at which a zone's offset changes; zero
// if it does not. It cannot tell two changes within two days apart; no zone has
// such a pair.
func Change(from, to time.Time, loc *time.Location) time.Time {
	before := offset(from.Unix(), loc)
	if offset(to.Unix(), loc) == before {
		return time.Time{}
	}
	lo, hi := from.Unix(), to.Unix()
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; offset(mid, loc) == before {
			lo = mid
		} else {
			hi = mid
		}
	}
	return time.Unix(hi, 0).UTC()
}
