package cli

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// blockRows is how many rows are kept before they are printed.
const blockRows = 1000

// column is one column of a table.
type column struct {
	head string
	// spare is how gladly the column is given up on a narrow terminal: the greatest
	// first, 0 never.
	spare int
	// least is to how many characters its cells may be shortened; 0: not at all.
	least int
	// cut shortens a cell; nil: at its end.
	cut func(cell string, width int) string
	// right puts figures under each other.
	right bool
}

// keyColumn has keys, which are told from each other by their beginning and their end.
func keyColumn(head string) column { return column{head: head, least: 20, cut: shortened} }

// textColumn has a sentence.
func textColumn(head string, spare int) column { return column{head: head, spare: spare, least: 14} }

// plainColumns are columns none of which is shortened, the last one first given up.
func plainColumns(heads ...string) []column {
	columns := make([]column, len(heads))
	for i, head := range heads {
		columns[i] = column{head: head, spare: i}
	}
	return columns
}

// table is rows of words, as wide as they need to be.
type table struct {
	columns []column
	rows    [][]string
	shown   []int // the columns that the last heading had
}

// insert adds a column, which the rows that are there have nothing in.
func (b *table) insert(at int, c column) {
	b.columns = slices.Insert(slices.Clone(b.columns), at, c)
	for i, row := range b.rows {
		b.rows[i] = slices.Insert(row, at, "-")
	}
}

func (b *table) add(cells ...string) { b.rows = append(b.rows, cells) }

// flush prints the rows added so far, with the heading if it is not yet on the screen. A
// terminal that is too narrow gets shorter texts and keys, then fewer columns.
func (b *table) flush(t Terminal) error {
	if len(b.rows) == 0 {
		return nil
	}
	shown, width := b.fit(t.Width)
	var out strings.Builder
	line := func(row []string, style func(string) string) {
		var l strings.Builder
		for n, i := range shown {
			cell, c := row[i], b.columns[i]
			if utf8.RuneCountInString(cell) > width[i] {
				cut := c.cut
				if cut == nil {
					cut = cutOff
				}
				cell = cut(cell, width[i])
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if c.right {
				cell, pad = pad+cell, ""
			}
			l.WriteString(cell)
			if n < len(shown)-1 {
				l.WriteString(pad + "  ")
			}
		}
		out.WriteString(style(strings.TrimRight(l.String(), " ")) + "\n")
	}
	if !slices.Equal(shown, b.shown) {
		heads := make([]string, len(b.columns))
		for i, c := range b.columns {
			heads[i] = c.head
		}
		line(heads, paint{t.Colour}.dim)
		b.shown = shown
	}
	for _, row := range b.rows {
		line(row, func(s string) string { return s })
	}
	b.rows = b.rows[:0]
	_, err := io.WriteString(t.Out, out.String())
	return err
}

// fit says which columns fit into so many characters (0: all of them do), and how wide
// each is.
func (b *table) fit(room int) (shown, width []int) {
	natural := make([]int, len(b.columns))
	for i, c := range b.columns {
		natural[i] = utf8.RuneCountInString(c.head)
		for _, row := range b.rows {
			natural[i] = max(natural[i], utf8.RuneCountInString(row[i]))
		}
		shown = append(shown, i)
	}
	for {
		width = slices.Clone(natural)
		over := 2 * (len(shown) - 1)
		for _, i := range shown {
			over += width[i]
		}
		over -= room
		if room == 0 || over <= 0 {
			return shown, width
		}
		// The widest that may be shortened pays first, down to the next one.
		shortenable := slices.DeleteFunc(slices.Clone(shown), func(i int) bool { return b.columns[i].least == 0 })
		for over > 0 {
			slices.SortStableFunc(shortenable, func(x, y int) int { return cmp.Compare(width[y], width[x]) })
			at := slices.IndexFunc(shortenable, func(i int) bool { return width[i] > max(b.columns[i].least, utf8.RuneCountInString(b.columns[i].head)) })
			if at < 0 {
				break
			}
			width[shortenable[at]]--
			over--
		}
		if over <= 0 {
			return shown, width
		}
		least := slices.MaxFunc(shown, func(x, y int) int { return cmp.Compare(b.columns[x].spare, b.columns[y].spare) })
		if b.columns[least].spare == 0 {
			return shown, width // a terminal of a few characters wraps
		}
		shown = slices.DeleteFunc(shown, func(i int) bool { return i == least })
	}
}

// cutOff is the beginning of a text, with a mark that it goes on.
func cutOff(text string, width int) string {
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// shortened is the beginning and the end of a key, with a mark between them.
func shortened(key string, width int) string {
	runes := []rune(key)
	end := (width - 1) / 2
	return string(runes[:max(width-1-end, 0)]) + "…" + string(runes[len(runes)-end:])
}
