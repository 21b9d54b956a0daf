package web

import (
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/staffetta-io/staffetta/internal/query"
)

//go:embed pages/*.html
var pageFiles embed.FS

// templates are the pages by name: each is the layout and the parts, with its own content.
var templates = func() map[string]*template.Template {
	common := template.Must(template.New("").Funcs(template.FuncMap{"int64": func(n int) int64 { return int64(n) }}).ParseFS(pageFiles, "pages/_*.html"))
	all := map[string]*template.Template{}
	names, err := fs.Glob(pageFiles, "pages/[a-z]*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range names {
		all[strings.TrimSuffix(path.Base(file), ".html")] = template.Must(template.Must(common.Clone()).ParseFS(pageFiles, file))
	}
	return all
}()

// problem is a page about what went wrong.
type problem struct {
	What, Remedy string
}

// wrong shows what went wrong. Whether the service answers is what people need to know
// first; everything else it says in its own sentence.
func (s *Server) wrong(v *visit, err error) {
	p := problem{What: v.Sentence(err.Error())}
	title := v.T("wrong.title")
	switch {
	case errors.As(err, new(forbiddenError)):
		v.status, title = http.StatusForbidden, v.T("wrong.right")
	case errors.As(err, new(movedError)):
		v.status = http.StatusConflict
	case query.Is(err, query.NotFound):
		v.status, title, p.Remedy = http.StatusNotFound, v.T("wrong.missing"), v.T("wrong.missing.remedy")
	case query.Is(err, query.BadQuestion):
		v.status, p.Remedy = http.StatusBadRequest, v.T("wrong.question.remedy")
	case query.Is(err, query.NotYours):
		v.status, title = http.StatusForbidden, v.T("wrong.right")
	case query.Is(err, query.NoAnswer):
		v.status, title, p.Remedy = http.StatusBadGateway, v.T("wrong.silent"), v.T("wrong.silent.remedy")
	case query.Is(err, query.TooMany), query.Is(err, query.TooSlow), query.Is(err, query.Closing):
		v.status, p.Remedy = http.StatusServiceUnavailable, v.T("wrong.busy.remedy")
	default:
		v.status = http.StatusInternalServerError
		s.Log.Error("page", "path", v.r.URL.Path, "error", err)
	}
	if err := v.show("wrong", title, "", p); err != nil {
		s.Log.Error("page", "path", v.r.URL.Path, "error", err)
	}
}

// nothing is the page for an address that is none.
func (s *Server) nothing(v *visit) error {
	v.status = http.StatusNotFound
	return v.show("wrong", v.T("wrong.missing"), "", problem{What: v.T("wrong.address"), Remedy: ""})
}
