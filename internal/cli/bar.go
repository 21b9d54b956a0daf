package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A bar is drawn on the last line of a terminal and drawn over. Where nobody
// looks (width 0) it is not drawn at all.
type bar struct {
	out   io.Writer
	raw   io.Writer // of the same terminal, for what it must obey
	width int
	paint paint
	shown bool
}

const cells = 30

// draw shows how much of the whole is done, and a word about it.
func (b *bar) draw(done, whole int64, words string) {
	if b.width == 0 || whole <= 0 {
		return
	}
	full := int(min(done, whole) * cells / whole)
	line := fmt.Sprintf(" %3d %%  %s", min(done, whole)*100/whole, words)
	// Never wider than the screen: a line that wraps cannot be drawn over.
	if room := b.width - cells - 3; utf8.RuneCountInString(line) > room {
		line = string([]rune(line)[:max(room, 0)])
	}
	b.clear()
	fmt.Fprint(b.out, "  ", b.paint.green(strings.Repeat("█", full)), b.paint.dim(strings.Repeat("░", cells-full)), line)
	b.shown = true
}

// clear takes the bar away, so that a line can be printed in its place.
func (b *bar) clear() {
	if b.shown {
		fmt.Fprint(b.raw, "\r\x1b[2K")
		b.shown = false
	}
}
