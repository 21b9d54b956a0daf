package audience_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/audience"
)

// files are lists as people have them, and what is uploaded of each.
var files = map[string]struct {
	fields []string
	rows   string // behind the header
	out    map[audience.Reason]int64
	wrong  string // it is refused, and what it says
	found  string
}{
	"plain.csv":          {fields: []string{"code", "firstName"}, rows: "+393331230001,A1,Anna\n+393331230002,B2,Bruno\n"},
	"italian.csv":        {fields: []string{"codice", "nome"}, rows: "+393331230001,A1,Nicolò\n+393331230002,B2,André\n"},
	"windows.csv":        {fields: []string{"nome", "codice"}, rows: "+393331230001,Nicolò,10 €\n+393331230002,André,20 €\n"},
	"utf16.csv":          {fields: []string{"nome"}, rows: "+393331230001,Nicolò\n+393331230002,😀\n"},
	"utf16-unmarked.csv": {fields: []string{"nome"}, rows: "+393331230001,Nicolò\n+393331230002,Zoë\n"},
	"mac.csv":            {fields: []string{"firstName"}, rows: "+393331230001,Anna\n+393331230002,Bruno\n"},
	"sep.csv":            {fields: []string{"citta"}, rows: "+393331230001,Roma\n+393331230002,Milano\n"},
	"blank.csv":          {fields: []string{"first_name"}, rows: "+393331230009,Fabio\n+393331230008,Gina\n"},
	"quotes.csv":         {fields: []string{"firstName"}, rows: "+393331230001,\"Anna \"\"la bella\"\"\"\n+393331230002,\"Bruno\nRossi\"\n"},
	"excel.csv": {fields: []string{"firstName"}, rows: `+393331230010,Apice
+393331230011,SenzaPiu
+393331230012,Apple
+393331230013,Barra
+393331230014,Nbsp
+393331230015,Formula
+393331230016,Quoted
+393331230017,Amount
+393331230018,Whole
+49301234567,Tedesco
+390212345678,Fisso
`},
	"one.csv":   {rows: "+393331230001\n+393331230002\n"},
	"pipe.txt":  {fields: []string{"code"}, rows: "+393331230001,A1\n"},
	"comma.csv": {rows: "+393331230001\n"},
	"exact.csv": {fields: []string{"code"}, rows: "+393331230001,A1\n"},
	"short.csv": {fields: []string{"code"}, rows: "+393331230001,A1\n+393331230002,A2\n"},
	"out.csv": {
		fields: []string{"code"}, rows: "+393331230001,A1\n+393331230004,A8\n",
		out: map[audience.Reason]int64{audience.Malformed: 2, audience.Duplicate: 2, audience.Suppressed: 1, audience.Lacking: 1},
	},
	"lost.csv":      {wrong: "line 3: a spreadsheet has rounded the number"},
	"long.csv":      {wrong: "line 3: it has 3 columns, and the header has 2"},
	"bare.csv":      {wrong: `line 3: it has a quote (") in the middle`},
	"open.csv":      {wrong: "line 3: the row that begins here is longer than 65536 bytes"},
	"unclosed.csv":  {wrong: `line 3: it has a quote (") that is not closed`},
	"headless.csv":  {wrong: "line 1: it has no header: the first line names the columns, phoneNumber", found: "found: +393331230001, Anna"},
	"nonumber.csv":  {wrong: "line 1: it has no column for the number: the first line names the columns, and one of them is phoneNumber", found: "found: firstName, email"},
	"two.csv":       {wrong: "line 1: 2 columns may be meant by phoneNumber: call the one that is meant phoneNumber", found: "found: Telefono, Cellulare"},
	"twice.csv":     {fields: []string{"CODE"}, wrong: "line 1: 2 columns may be meant by CODE", found: "found: code, Code"},
	"nobody.csv":    {fields: []string{"code"}, wrong: "the text has {{code}}, and no recipient has a field of that name"},
	"header.csv":    {wrong: "it has no recipients"},
	"empty.csv":     {wrong: "it is empty"},
	"mixed.csv":     {wrong: "line 3: it is not UTF-8, and what is before it is"},
	"undefined.csv": {wrong: "line 3: it is neither UTF-8 nor Windows-1252"},
	"zero.csv":      {wrong: "line 2: it holds a zero byte"},
	"torn.csv":      {wrong: "line 2: its UTF-16 is torn"},
	"workbook.csv":  {wrong: "it is a workbook of Excel or a ZIP: save it as CSV (UTF-8)"},
}

func TestFilesAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	there, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range there {
		there[i] = filepath.Base(path)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(files)), there); diff != "" {
		t.Errorf("files and what becomes of them: %s", diff)
	}
	suppressed := func(number string) bool { return number == "+393331230005" }
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			got, err := audience.Prepare(audience.FromCSV(bytes.NewReader(data), want.fields),
				audience.Wish{Region: "IT", Fields: want.fields, Suppressed: suppressed}, &file, nil)
			if want.wrong != "" {
				wrong := (*audience.Fault)(nil)
				if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want.wrong) {
					t.Fatalf("error %v, want a fault: %s", err, want.wrong)
				}
				if wrong.Found != want.found {
					t.Errorf("found %q, want %q", wrong.Found, want.found)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			header := strings.Join(append([]string{"phoneNumber"}, want.fields...), ",") + "\n"
			if diff := cmp.Diff(header+want.rows, file.String()); diff != "" {
				t.Errorf("uploaded (-want +got):\n%s", diff)
			}
			if want.out == nil {
				want.out = map[audience.Reason]int64{}
			}
			if diff := cmp.Diff(want.out, got.Out); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			out := int64(0)
			for _, n := range got.Out {
				out += n
			}
			if got.Given != got.Valid+out {
				t.Errorf("%d given, %d valid, %d out", got.Given, got.Valid, out)
			}
		})
	}
}
