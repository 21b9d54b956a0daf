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
		if existed {
			updated++
		}
		ids = append(ids, id)
	}
	o := newObject()
	if u.list != 0 {
		s.contacts.join([]int{u.list}, ids)
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

// rows reads the file. The delimiter is the one of , ; and tab that the first
// line has most of. Columns go by the first row if it names any, else in the order
// of columns.
func (u upload) rows() ([]row, error) {
	text := bytes.TrimPrefix(u.file, []byte("\xef\xbb\xbf"))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma = delimiter(first)
	in.FieldsPerRecord = -1
	in.LazyQuotes = true

	var rows []row
	names := columns
	for {
		record, err := in.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		line, _ := in.FieldPos(0)
		if line == 1 {
			if slices.ContainsFunc(record, isColumn) {
				names = record
			}
			if u.removeHead {
				continue
			}
		}
		rows = append(rows, row{line, contactOf(names, record)})
	}
}

func delimiter(first []byte) rune {
	best, most := ',', 0
	for _, d := range ",;\t" {
		if n := bytes.Count(first, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

func isColumn(name string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, strings.TrimSpace(name)) })
}

func contactOf(names, values []string) Contact {
	var c Contact
	for i, value := range values {
		value = strings.TrimSpace(value)
		if i >= len(names) || value == "" {
			continue
		}
		switch name := strings.TrimSpace(names[i]); strings.ToLower(name) {
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
