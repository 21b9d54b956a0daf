package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
)

// indented is JSON for people, in ASCII.
func indented(data []byte) ([]byte, error) {
	var lines, out bytes.Buffer
	if err := json.Indent(&lines, data, "", "  "); err != nil {
		return nil, err
	}
	for _, r := range lines.String() {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	out.WriteByte('\n')
	return bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(out.Bytes(), []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">")), []byte(`\u0026`), []byte("&")), nil
}
