package audience

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode"
)

// FromList reads numbers alone: a list with a header, as [FromCSV] does, or one number on
// each line and nothing else.
func FromList(r io.Reader) Contacts {
	return func(yield func(Contact, error) bool) {
		text, err := decode(r)
		if err != nil {
			yield(Contact{}, err)
			return
		}
		in := bufio.NewReaderSize(text, longestRow)
		head, err := in.Peek(longestRow)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(Contact{}, err)
			return
		}
		if !bare(string(head)) {
			FromCSV(in, nil)(yield)
			return
		}
		for line := 1; ; line++ {
			number, err := in.ReadString('\n')
			if number = alone(number); number != "" && !yield(Contact{Place: Place{Line: line}, Number: number}, nil) {
				return
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Contact{}, err)
				return
			}
		}
	}
}

// bare says that the first line that says anything is a number, so that there is no header.
func bare(text string) bool {
	for line := range strings.Lines(text) {
		line = alone(line)
		if line == "" {
			continue
		}
		digits := 0
		for _, r := range line {
			switch {
			case unicode.IsDigit(r):
				digits++
			case unicode.IsLetter(r), strings.ContainsRune(separators, r):
				return false
			}
		}
		return digits >= minDigits
	}
	return false
}

// alone is the only value of a line, without what spreadsheets put around it.
func alone(line string) string {
	return strings.Trim(strings.TrimSpace(line), separators+"\" ")
}
