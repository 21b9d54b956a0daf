package audience

import "io"

// longestRow is how long a row may be, with all its lines.
const longestRow = 64 << 10

// cells passes a list on, and takes away what a spreadsheet writes and no reader of CSV
// knows: the = of ="0039333…", which keeps a number text. It ends a row that is longer
// than any row is: a quote was opened there and never closed, and the rest of a large
// file would be one value.
type cells struct {
	in    io.Reader
	delim byte

	line   int  // that the row begins on
	lines  int  // more of them in the row, so far
	length int  // of the row, so far
	begins bool // a cell begins here
	quoted bool // inside quotes
	equals bool // a = begins the cell, and is held back
	before byte

	buf  [4 << 10]byte
	out  []byte // passed on
	rest []byte // of it, what was not asked for yet
	err  error
}

// Read implements io.Reader.
func (c *cells) Read(p []byte) (int, error) {
	for len(c.rest) == 0 && c.err == nil {
		var n int
		n, c.err = c.in.Read(c.buf[:])
		c.out = c.out[:0]
		for _, b := range c.buf[:n] {
			c.pass(b)
		}
		if c.err != nil && c.equals { // it was the last character of all
			c.out = append(c.out, '=')
		}
		if c.length > longestRow {
			c.err = fault(c.line, `the row that begins here is longer than %d bytes: is there a quote (") that is not closed?`, longestRow)
		}
		c.rest = c.out
	}
	if len(c.rest) == 0 {
		return 0, c.err
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cells) pass(b byte) {
	if c.equals && b != '"' { // it is the value's own
		c.out = append(c.out, '=')
		c.begins = false
	}
	c.equals = false
	c.length++
	switch {
	case b == '"':
		// The second of two quotes opens again what the first has closed. One in the
		// middle of a cell is a fault, and the reader's to name.
		c.quoted = !c.quoted && (c.begins || c.before == '"')
		c.begins = false
	case c.quoted:
		if b == '\n' {
			c.lines++
		}
	case b == '\n':
		c.line += c.lines + 1
		c.lines, c.length, c.begins = 0, 0, true
	case b == c.delim:
		c.begins = true
	case b == '=' && c.begins:
		c.equals, c.before = true, b
		return
	default:
		c.begins = false
	}
	c.before = b
	c.out = append(c.out, b)
}
