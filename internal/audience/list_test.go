package audience_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/audience"
)

// Lists of numbers are read as people have them: a column with a header, or a number on each
// line. What is no number is handed over too, so that nobody takes it for suppressed.
func TestListsOfNumbers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		list string
		want []string
	}{
		"OneOnEachLine":         {"+393331234501\r\n333 1234502\n\n\"333-1234503\"\n", []string{"+393331234501", "333 1234502", "333-1234503"}},
		"WithoutALastLineEnd":   {"+393331234501\n+393331234502", []string{"+393331234501", "+393331234502"}},
		"WithEmptyColumns":      {"\ufeff333 1234501;;\n333 1234502;;\n", []string{"333 1234501", "333 1234502"}},
		"OneThatIsNone":         {"3331234501\nask Anna\n", []string{"3331234501", "ask Anna"}},
		"WithAHeader":           {"nome;telefono\nAnna;+393331234501\n", []string{"+393331234501"}},
		"OneColumnWithAHeader":  {"telefono\n3331234501\n", []string{"3331234501"}},
		"InUTF16":               {"\xff\xfe3\x003\x003\x001\x002\x003\x004\x005\x000\x001\x00\n\x00", []string{"3331234501"}},
		"ANumberOfASpreadsheet": {"393331234501.0\n", []string{"393331234501.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for c, err := range audience.FromList(strings.NewReader(tt.list)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, c.Number)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("numbers are %q, want %q", got, tt.want)
			}
		})
	}
	for name, list := range map[string]string{"Empty": "", "TwoColumnsWithoutAHeader": "Anna;3331234501\n", "AWorkbook": "PK\x03\x04"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range audience.FromList(strings.NewReader(list)) {
				if !errors.As(err, new(*audience.Fault)) {
					t.Errorf("%v, want a fault", err)
				}
			}
		})
	}
}
