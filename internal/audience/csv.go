package audience

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
)

// FromCSV reads a list with a header, as spreadsheets write it, for the fields that are
// asked for: any usual separator, encoding and end of line, empty lines before the header,
// and a line sep=; too.
func FromCSV(r io.Reader, fields []string) Contacts {
	return func(yield func(Contact, error) bool) {
		t, err := openTable(r, fields)
		if err != nil {
			yield(Contact{}, err)
			return
		}
		for {
			c, err := t.next()
			if errors.Is(err, io.EOF) || !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// table is a list in CSV whose header was read.
type table struct {
	rows    *csv.Reader
	above   int // lines before the header
	columns columns
	width   int
	values  []string
}

// columns are where in a row what is asked for stands.
type columns struct {
	number int
	fields []int // -1: there is no such column
}

func openTable(r io.Reader, fields []string) (*table, error) {
	text, err := decode(r)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(text, longestRow)
	above, delims := 0, separators
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fault(above+1, "the first line is longer than %d bytes: the list wants a header with the names of its columns", longestRow)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		head := string(line)
		if sep, said := saidSeparator(head); said {
			delims = string(sep)
		} else if strings.Trim(head, separators+"\" \u00a0\n") != "" {
			t := &table{above: above}
			delim, names, found := header(head, delims)
			if found != nil {
				found.Place.Line = above + 1
				return nil, found
			}
			if t.columns, found = place(names, fields); found != nil {
				found.Place.Line = above + 1
				return nil, found
			}
			t.width, t.values = len(names), make([]string, len(fields))
			t.rows = csv.NewReader(&cells{in: io.MultiReader(strings.NewReader(head), in), delim: delim, line: above + 1, begins: true})
			t.rows.Comma, t.rows.ReuseRecord, t.rows.FieldsPerRecord = rune(delim), true, -1
			_, err := t.rows.Read() // the header
			return t, t.explain(err)
		}
		if err != nil {
			return nil, fault(0, "it is empty: it wants a header with a column %s, and a line for each recipient", NumberField)
		}
		above++
	}
}

// separators are what may stand between two columns.
const separators = ";,\t|"

// saidSeparator reads the line by which Excel says what the separator is.
func saidSeparator(line string) (sep byte, said bool) {
	rest, said := strings.CutPrefix(strings.ToLower(strings.Trim(line, "\"\n")), "sep=")
	if !said || len(rest) != 1 || !strings.Contains(separators, rest) {
		return 0, false
	}
	return rest[0], true
}

// header finds what separates the columns: that by which there is a column for the number,
// and the most columns.
func header(line, delims string) (delim byte, names []string, wrong *Fault) {
	var most []string
	for _, d := range []byte(delims) {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma = rune(d)
		row, err := r.Read()
		if err != nil {
			continue
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) > len(most) {
			most = row
		}
		if slices.ContainsFunc(row, isNumberName) && len(row) > len(names) {
			delim, names = d, row
		}
	}
	if names != nil {
		return delim, names, nil
	}
	digits := 0
	for _, r := range line {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	wrong = fault(0, "it has no column for the number: the first line names the columns, and one of them is %s (or phone, mobile, telefono, cellulare, numero)", NumberField)
	if len(most) > 0 {
		wrong.Found = "found: " + strings.Join(most, ", ")
	}
	if digits >= minDigits {
		wrong.What = "it has no header: the first line names the columns, " + NumberField + " and the fields of the text"
	}
	return 0, nil, wrong
}

func isNumberName(name string) bool { return numberNames[fold(name)] }

// place finds the columns of the number and of the fields. A name as the text has it goes
// before one that is only written in a similar way; two of the same kind are a question that
// only people can answer.
func place(names, fields []string) (columns, *Fault) {
	number, wrong := column(names, NumberField, isNumberName)
	if wrong != nil {
		return columns{}, wrong
	}
	c := columns{number, make([]int, len(fields))}
	for i, f := range fields {
		if c.fields[i], wrong = column(names, f, func(name string) bool { return fold(name) == fold(f) }); wrong != nil {
			return columns{}, wrong
		}
	}
	return c, nil
}

func column(names []string, want string, like func(string) bool) (int, *Fault) {
	at, similar := []int(nil), []int(nil)
	for i, name := range names {
		switch {
		case name == want:
			at = append(at, i)
		case like(name):
			similar = append(similar, i)
		}
	}
	if at == nil {
		at = similar
	}
	switch len(at) {
	case 0:
		return -1, nil
	case 1:
		return at[0], nil
	}
	wrong := fault(0, "%d columns may be meant by %s: call the one that is meant %[2]s, and no other one", len(at), want)
	wrong.Found = "found: " + names[at[0]] + ", " + names[at[1]]
	return 0, wrong
}

// next is the next recipient. The error is io.EOF at the end.
func (t *table) next() (Contact, error) {
	for {
		row, err := t.rows.Read()
		if err != nil {
			return Contact{}, t.explain(err)
		}
		line, _ := t.rows.FieldPos(0)
		if line += t.above; slices.IndexFunc(row, filled) < 0 {
			continue
		}
		if len(row) > t.width && slices.IndexFunc(row[t.width:], filled) >= 0 {
			return Contact{}, fault(line, "it has %d columns, and the header has %d: a value that holds the separator stands in quotes", len(row), t.width)
		}
		// Spreadsheets leave out empty columns at the end of a line.
		cell := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		for i, at := range t.columns.fields {
			t.values[i] = cell(at)
		}
		return Contact{Place: Place{Line: line}, Number: cell(t.columns.number), Values: t.values}, nil
	}
}

func filled(cell string) bool { return strings.TrimSpace(cell) != "" }

// explain is an error of the reader in our words, without what the line says.
func (t *table) explain(err error) error {
	wrong := (*csv.ParseError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	line := wrong.StartLine + t.above
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return fault(line, `it has a quote (") in the middle of a value: put the value in quotes, and double the one inside`)
	case errors.Is(err, csv.ErrQuote):
		return fault(line, `it has a quote (") that is not closed, or something behind the one that closes: put the value in quotes, and double one inside`)
	}
	return fault(line, "it is no line of CSV")
}
