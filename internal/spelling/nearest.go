package spelling

// Nearest is the known name that was probably meant, the first of those that are equally
// near. Empty: more than half of what was written would have to change for each.
func Nearest(written string, known []string) string {
	best, least := "", len(written)/2+1
	for _, name := range known {
		if d := Distance(written, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Meant is the question behind a name that is wrong: `, did you mean "shop-italia"?`.
// Empty: nothing is near enough.
func Meant(written string, known []string) string {
	if best := Nearest(written, known); best != "" {
		return ", did you mean \"" + best + "\"?"
	}
	return ""
}

// Distance is how many bytes must be changed, added or dropped to make one text of the
// other (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
