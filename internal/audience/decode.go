package audience

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// encoding is how the text of a file is written.
type encoding int

const (
	ascii       encoding = iota // nothing else was met yet
	utf8Text                    // UTF-8
	windows1252                 // Western Windows, which Latin-1 is a part of
	utf16Little
	utf16Big
)

// decoder reads a text in any of the encodings that spreadsheets write, as UTF-8 with
// lines that end in LF.
//
// A file without a mark is plain until the first byte that is not ASCII. That one decides:
// it begins a character of UTF-8, or the file is of Windows. What does not go on in the
// same way is a fault, for half a file in another encoding is rubbish.
type decoder struct {
	in   *bufio.Reader
	enc  encoding
	line int
	cr   bool  // the last character was a CR, whose LF says nothing more
	err  error // the end, once what is in rest was handed out
	rest []byte
}

// magics are the first bytes of what people take for a list and is none.
var magics = []struct{ bytes, what string }{
	{"PK\x03\x04", "it is a workbook of Excel or a ZIP: save it as CSV (UTF-8)"},
	{"\xd0\xcf\x11\xe0", "it is an old workbook of Excel: save it as CSV (UTF-8)"},
	{"\x1f\x8b", "it is compressed with gzip: unpack it"},
	{"%PDF", "it is a PDF: save the list as CSV (UTF-8)"},
	{"{\\rtf", "it is a document of a word processor: save the list as CSV (UTF-8)"},
	{"BEGIN:VCARD", "it holds vCards: save the list as CSV (UTF-8)"},
}

func decode(r io.Reader) (*decoder, error) {
	d := &decoder{in: bufio.NewReaderSize(r, 64<<10), line: 1}
	head, err := d.in.Peek(1024)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return nil, fault(0, "%s", m.what)
		}
	}
	mark := 0
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		d.enc, mark = utf8Text, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		d.enc, mark = utf16Little, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		d.enc, mark = utf16Big, 2
	default:
		d.enc = unmarked(head)
	}
	_, err = d.in.Discard(mark)
	return d, err
}

// unmarked sees UTF-16 without a mark: digits and separators have a zero in every other
// byte.
func unmarked(head []byte) encoding {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(head) / 4
	switch {
	case zeros[1] > half && zeros[0] == 0:
		return utf16Little
	case zeros[0] > half && zeros[1] == 0:
		return utf16Big
	}
	return ascii
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.rest) == 0 && d.err == nil {
		d.fill()
	}
	if len(d.rest) == 0 {
		return 0, d.err
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// fill decodes some text.
func (d *decoder) fill() {
	out := d.rest[:0]
	for len(out) < 4<<10 && d.err == nil {
		r, err := d.next()
		switch {
		case err != nil:
			d.err = err
		case r == '\n' && d.cr:
			d.cr = false
		case r == '\r' || r == '\n':
			d.cr = r == '\r'
			d.line++
			out = append(out, '\n')
		case r == 0:
			d.err = fault(d.line, "it holds a zero byte, which no text does: save the list as CSV (UTF-8)")
		default:
			d.cr = false
			out = utf8.AppendRune(out, r)
		}
	}
	d.rest = out
}

// next is the next character.
func (d *decoder) next() (rune, error) {
	if d.enc == utf16Little || d.enc == utf16Big {
		return d.nextUTF16()
	}
	b, err := d.in.ReadByte()
	if err != nil {
		return 0, err
	}
	if b < utf8.RuneSelf {
		return rune(b), nil
	}
	if d.enc != windows1252 {
		if err := d.in.UnreadByte(); err != nil {
			return 0, err
		}
		head, err := d.in.Peek(utf8.UTFMax)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		r, size := utf8.DecodeRune(head)
		if r != utf8.RuneError || size > 1 {
			d.enc = utf8Text
			_, err := d.in.Discard(size)
			return r, err
		}
		if d.enc == utf8Text {
			return 0, fault(d.line, "it is not UTF-8, and what is before it is: save the list once more as CSV (UTF-8)")
		}
		d.enc = windows1252
		if _, err := d.in.Discard(1); err != nil {
			return 0, err
		}
	}
	if r := charmap.Windows1252.DecodeByte(b); r != utf8.RuneError {
		return r, nil
	}
	return 0, fault(d.line, "it is neither UTF-8 nor Windows-1252: save the list as CSV (UTF-8)")
}

func (d *decoder) nextUTF16() (rune, error) {
	r, err := d.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := d.unit()
	if err == nil || errors.Is(err, io.EOF) {
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, d.tornUTF16()
		}
		return r, nil
	}
	return 0, err
}

func (d *decoder) unit() (rune, error) {
	a, err := d.in.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := d.in.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, d.tornUTF16()
	}
	if d.enc == utf16Big {
		a, b = b, a
	}
	return rune(a) | rune(b)<<8, err
}

func (d *decoder) tornUTF16() error {
	return fault(d.line, "its UTF-16 is torn in the middle of a character: the file is damaged, or not whole")
}
