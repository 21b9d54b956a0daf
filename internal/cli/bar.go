package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A bar is drawn on the last line of a terminal, again and again in the same place. If
// the output is not a terminal (width 0), it is not drawn at all.
type bar struct {
	out   io.Writer
	raw   io.Writer // the same terminal, for its control codes
	width int
	paint paint
	shown bool
}

func newBar(t Terminal, p paint) bar {
	return bar{out: t.Out, raw: t.raw, width: t.Width, paint: p}
}

const cells = 30

// draw shows how much of the whole is done, with a word about it.
func (b *bar) draw(done, whole int64, words string) {
	if b.width == 0 || whole <= 0 {
		return
	}
	line := fmt.Sprintf(" %3d %%  %s", min(done, whole)*100/whole, words)
	// Never wider than the screen: a line that wraps cannot be overwritten.
	if room := b.width - cells - 3; utf8.RuneCountInString(line) > room {
		line = string([]rune(line)[:max(room, 0)])
	}
	b.clear()
	fmt.Fprint(b.out, "  ", filled(b.paint, done, whole, cells), line)
	b.shown = true
}

// filled is a bar of so many cells, as full as the whole is done.
func filled(p paint, done, whole int64, cells int) string {
	full := int(min(done, whole) * int64(cells) / whole)
	return p.green(strings.Repeat("█", full)) + p.dim(strings.Repeat("░", cells-full))
}

// clear removes the bar, so that a line can be printed in its place.
func (b *bar) clear() {
	if b.shown {
		fmt.Fprint(b.raw, "\r\x1b[2K")
		b.shown = false
	}
}
