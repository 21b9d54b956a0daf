package sandbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// An upload is a file of contacts on its way into a list.
type upload struct {
	file       []byte
	fileName   string
	removeHead bool
	list       int // 0: none
}

// columns are the names by which a header row is recognised; any other column of
// it is a custom field of its own name.
var columns = []string{"phoneNumber", "firstName", "lastName", "email", "gender"}

// uploadContacts takes a multipart form with file, fileName, removeHead, listId.
// A row whose number is there already updates that contact.
func (s *Sandbox) uploadContacts(c *call) reply {
	if c.variants.UploadTwoSteps {
		return s.previewContacts(c)
	}
	return s.importContacts(c)
}

// commitContacts is the second step of an upload, where there are two: the same form.
func (s *Sandbox) commitContacts(c *call) reply {
	if !c.variants.UploadTwoSteps {
		return notFoundAt(c)
	}
	return s.importContacts(c)
}

// previewContacts shows the first rows, and changes nothing.
func (s *Sandbox) previewContacts(c *call) reply {
	u, err := readUpload(c)
	if err != nil {
		return badRequest("file", "%s", sentence(err))
	}
	rows, err := u.rows()
	if err != nil {
		return badRequest("file", "%s", sentence(err))
	}
	return ok(page(len(rows), rows[:min(len(rows), previewed)], func(r row) []byte {
		return newObject().number("line", r.line).text("phoneNumber", r.contact.PhoneNumber).text("firstName", r.contact.FirstName).bytes()
	}))
}

// previewed is how many rows a preview shows.
const previewed = 10

func (s *Sandbox) importContacts(c *call) reply {
	u, err := readUpload(c)
	if err != nil {
		return badRequest("file", "%s", sentence(err))
	}
	if u.list != 0 && !s.contacts.hasList(u.list) {
		return badRequest("listId", "Contact list %d does not exist", u.list)
	}
	rows, err := u.rows()
	if err != nil {
		return badRequest("file", "%s", sentence(err))
	}

	var ids []int
	var total, updated int
	var errs []byte
	for _, row := range rows {
		total++
		if _, fine := row.contact.check(); !fine {
			e := newObject().number("line", row.line).text("reason", "Neither phoneNumber nor email").bytes()
			errs = append(append(errs, ','), e...)
			continue
		}
		id, existed := s.contacts.upsert(c.at, row.contact)
		if id == 0 {
			e := newObject().number("line", row.line).text("reason", "Contact limit reached").bytes()
			errs = append(append(errs, ','), e...)
			continue
		}
		if existed {
			updated++
		}
		ids = append(ids, id)
	}
	o := newObject()
	if u.list != 0 {
		s.contacts.join(c.at, []int{u.list}, ids)
		o.number("listId", u.list)
	}
	return ok(o.
		text("fileName", u.fileName).
		text("status", "COMPLETED").
		open("summary").
		number("total", total).
		number("imported", len(ids)).
		number("duplicates", updated).
		number("errors", total-len(ids)).
		shut().
		raw("errors", []byte("["+strings.TrimPrefix(string(errs), ",")+"]")).
		instant("completedAt", c.at).
		bytes())
}

func readUpload(c *call) (u upload, err error) {
	_, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return u, errors.New("request is not multipart/form-data")
	}
	form, err := multipart.NewReader(bytes.NewReader(c.body), params["boundary"]).ReadForm(maxBody)
	if err != nil {
		return u, fmt.Errorf("form: %w", err)
	}
	defer form.RemoveAll()
	value := func(name string) string { return strings.Join(form.Value[name], "") }
	if len(form.File["file"]) != 1 {
		return u, errors.New("file is required")
	}
	header := form.File["file"][0]
	f, err := header.Open()
	if err != nil {
		return u, fmt.Errorf("file: %w", err)
	}
	defer f.Close()
	if u.file, err = io.ReadAll(f); err != nil {
		return u, fmt.Errorf("file: %w", err)
	}
	u.fileName = value("fileName")
	if u.fileName == "" {
		u.fileName = header.Filename
	}
	if kind := strings.ToLower(path.Ext(u.fileName)); kind != ".csv" && kind != ".txt" {
		return u, fmt.Errorf("files of type %q are not supported by the sandbox, only .csv and .txt", kind)
	}
	u.removeHead = value("removeHead") == "true"
	if list := value("listId"); list != "" {
		if u.list, err = strconv.Atoi(list); err != nil {
			return u, fmt.Errorf("listId %q is not a number", list)
		}
	}
	return u, nil
}

// A row is one contact of a file and where it stood, from line 1.
type row struct {
	line    int
	contact Contact
}

// rows reads the file. The delimiter is what a line sep=; before the header says,
// as spreadsheets write it, or else the one of , ; and tab that the first line with
// anything in it has most of. Columns go by the first row if it names any, else in
// the order of columns.
func (u upload) rows() ([]row, error) {
	text, err := decoded(u.file)
	if err != nil {
		return nil, err
	}
	comma, before := rune(0), 0 // lines before the first row
	for {
		first, rest, more := strings.Cut(text, "\n")
		first = strings.TrimSpace(first)
		if d, says := delimiterLine(first); says {
			comma = d
		} else if first != "" || !more {
			break
		}
		text = rest
		before++
	}
	if first, _, _ := strings.Cut(text, "\n"); comma == 0 {
		comma = delimiter(first)
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = comma
	in.FieldsPerRecord = -1
	in.LazyQuotes = true

	var rows []row
	names := columns
	for n := 0; ; n++ {
		record, err := in.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		line, _ := in.FieldPos(0)
		if n == 0 {
			if slices.ContainsFunc(record, isColumn) {
				names = record
			}
			if u.removeHead {
				continue
			}
		}
		rows = append(rows, row{before + line, contactOf(names, record)})
	}
}

// decoded is the file's text. UTF-16 says that it is by its byte order mark; of
// other bytes that are not UTF-8 nobody can tell which letters they were, and a
// wrong guess is in every message.
func decoded(file []byte) (string, error) {
	if bytes.HasPrefix(file, []byte("\xff\xfe")) || bytes.HasPrefix(file, []byte("\xfe\xff")) {
		var err error
		if file, err = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(file); err != nil {
			return "", fmt.Errorf("file: %w", err)
		}
	}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	line := 1
	for rest := file; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			return "", fmt.Errorf("file is not UTF-8 in line %d (Latin-1 or Windows-1252?): save it as CSV UTF-8", line)
		case r == 0:
			return "", fmt.Errorf("file has a zero byte in line %d (UTF-16 without its mark?): save it as CSV UTF-8", line)
		case r == '\n':
			line++
		}
		rest = rest[n:]
	}
	return string(file), nil
}

// delimiterLine reads a line that only says which delimiter the file has.
func delimiterLine(line string) (rune, bool) {
	said, ok := strings.CutPrefix(strings.ToLower(strings.Trim(line, `"`)), "sep=")
	if said == "" && ok {
		said = "\t" // trimmed with the end of the line
	}
	if !ok || !strings.Contains(",;\t|", said) || utf8.RuneCountInString(said) != 1 {
		return 0, false
	}
	r, _ := utf8.DecodeRuneInString(said)
	return r, true
}

func delimiter(first string) rune {
	best, most := ',', 0
	for _, d := range ",;\t" {
		if n := strings.Count(first, string(d)); n > most {
			best, most = d, n
		}
	}
	return best
}

func isColumn(name string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, columnName(name)) })
}

// columnName takes out what people put between the words of a header: "Phone
// Number" and first_name are the API's phoneNumber and firstName.
func columnName(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.TrimSpace(name))
}

// plainValue is a value as it was meant: spreadsheets write ="+39…" and '+39… so
// that a number stays text.
func plainValue(value string) string {
	value = strings.TrimSpace(value)
	if inside, ok := strings.CutPrefix(value, `="`); ok && strings.HasSuffix(inside, `"`) {
		return strings.TrimSuffix(inside, `"`)
	}
	if strings.HasPrefix(value, "'+") {
		return value[1:]
	}
	return value
}

func contactOf(names, values []string) Contact {
	var c Contact
	for i, value := range values {
		value = plainValue(value)
		if i >= len(names) || value == "" {
			continue
		}
		switch name := strings.TrimSpace(names[i]); strings.ToLower(columnName(name)) {
		case "phonenumber":
			c.PhoneNumber = value
		case "firstname":
			c.FirstName = value
		case "lastname":
			c.LastName = value
		case "email":
			c.Email = value
		case "gender":
			c.Gender = value
		default:
			if c.CustomFields == nil {
				c.CustomFields = map[string]string{}
			}
			c.CustomFields[name] = value
		}
	}
	return c
}
