package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// instantLayout is how the gateway writes instants: UTC, whole seconds.
const instantLayout = "2006-01-02T15:04:05Z"

// An object is a JSON object under construction, its members in the order of the
// documentation. It is written by hand because encoding/json knows decimals only
// as strings or as floating point, and because answers are most of the work of a
// sandbox under load.
type object struct{ b []byte }

func newObject() *object { return &object{append(make([]byte, 0, 320), '{')} }

func (o *object) key(name string) {
	if last := o.b[len(o.b)-1]; last != '{' && last != '[' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) *object {
	o.key(name)
	o.b = appendString(o.b, value)
	return o
}

func (o *object) number(name string, value int) *object {
	o.key(name)
	o.b = strconv.AppendInt(o.b, int64(value), 10)
	return o
}

// money has two decimals, as in 1500.00.
func (o *object) money(name string, value decimal.Decimal) *object {
	o.key(name)
	o.b = append(o.b, value.StringFixed(2)...)
	return o
}

// exact has as many decimals as the number needs, as in 0.035.
func (o *object) exact(name string, value decimal.Decimal) *object {
	o.key(name)
	o.b = append(o.b, value.String()...)
	return o
}

func (o *object) flag(name string, value bool) *object {
	o.key(name)
	o.b = strconv.AppendBool(o.b, value)
	return o
}

func (o *object) instant(name string, value time.Time) *object {
	o.key(name)
	o.b = append(o.b, '"')
	o.b = value.UTC().AppendFormat(o.b, instantLayout)
	o.b = append(o.b, '"')
	return o
}

// open begins an object within the object; shut ends it.
func (o *object) open(name string) *object {
	o.key(name)
	o.b = append(o.b, '{')
	return o
}

func (o *object) shut() *object {
	o.b = append(o.b, '}')
	return o
}

// raw takes JSON as it is.
func (o *object) raw(name string, json []byte) *object {
	o.key(name)
	o.b = append(o.b, json...)
	return o
}

func (o *object) bytes() []byte { return append(o.b, '}') }

// appendString quotes a string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c < ' ':
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
		}
	}
	return append(b, '"')
}

// page is {"content":[…],"totalElements":n}, the one envelope of the gateway.
func page[T any](total int, items []T, item func(T) []byte) []byte {
	b := append(make([]byte, 0, 64+256*len(items)), `{"content":[`...)
	for i, it := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item(it)...)
	}
	b = append(b, `],"totalElements":`...)
	b = strconv.AppendInt(b, int64(total), 10)
	return append(b, '}')
}
