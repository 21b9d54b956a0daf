package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// form is a body that is not JSON.
type form struct {
	contentType string
	body        []byte
}

// uploads uploads a file with a header and nobody in it, into a list of the doctor's own:
// what the answer says shows in how many steps an upload is made, and no contact is touched.
func (e *examination) uploads(ctx context.Context) {
	const page = "API reference: POST /contacts/upload does it in one call; guides: it shows the rows, and POST /contacts/mapped/file commits them"
	a := e.ask(ctx, http.MethodPost, "/contacts/list", map[string]string{"name": e.mark, "description": "empty; the doctor removes it"})
	list := a.text("id")
	if !a.ok() || list == "" || list == "null" {
		e.find("POST /contacts/list, a list of our own", a, "API reference: 201 with its id", "nothing is concluded; campaigns with recipients of their own need lists")
		return
	}
	a = e.ask(ctx, http.MethodPost, "/contacts/upload", nobody(list))
	does := "nothing is concluded: staffetta goes by each answer, and counts the list afterwards"
	switch {
	case a.ok() && committed(a):
		e.learn(uploads, "one")
		does = "recipients are uploaded in one call"
	case a.ok() && showsRows(a):
		e.learn(uploads, "two")
		does = "recipients are uploaded twice: the second call commits them"
	}
	e.find("POST /contacts/upload, a file with nobody in it", a, page, does)
	a = e.ask(ctx, http.MethodDelete, "/contacts/list?ids="+url.QueryEscape(list), nil)
	does = "the lists of campaigns are removed after their time"
	if !a.ok() {
		does = "an empty list stays: remove it on the gateway's own page, by " + e.mark
		e.report.Left = append(e.report.Left, "list "+list)
	}
	e.find("DELETE /contacts/list, our own", a, "API reference: by ids, and contacts stay", does)
}

// committed says that an answer speaks of an import that was made.
func committed(a answer) bool {
	return a.object["summary"] != nil || a.object["imported"] != nil || strings.EqualFold(a.text("status"), "COMPLETED")
}

// showsRows says that an answer is a page of rows, or a list of them.
func showsRows(a answer) bool {
	var rows []json.RawMessage
	return a.object["content"] != nil || a.object["rows"] != nil || json.Unmarshal(a.body, &rows) == nil
}

// nobody is a file of contacts with its header alone.
func nobody(list string) form {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range [][2]string{{"listId", list}, {"fileName", "nobody.csv"}, {"removeHead", "true"}} {
		//lint:ignore errcheck a buffer takes everything
		w.WriteField(f[0], f[1])
	}
	//lint:ignore errcheck a buffer takes everything
	file, _ := w.CreateFormFile("file", "nobody.csv")
	//lint:ignore errcheck a buffer takes everything
	file.Write([]byte("phoneNumber\n"))
	//lint:ignore errcheck a buffer takes everything
	w.Close()
	return form{w.FormDataContentType(), b.Bytes()}
}
