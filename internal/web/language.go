package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// language is a catalogue of texts: one file in the folder languages. A further language
// is a further file.
type language struct {
	Code  string
	Name  string
	texts map[string]string
}

//go:embed languages
var languageFiles embed.FS

// languages are all files, English first: it is what somebody gets who says nothing.
var languages = func() (all []*language) {
	entries, err := languageFiles.ReadDir("languages")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		data, err := languageFiles.ReadFile(path.Join("languages", e.Name()))
		if err != nil {
			panic(err)
		}
		l := &language{Code: strings.TrimSuffix(e.Name(), ".json")}
		if err := json.Unmarshal(data, &l.texts); err != nil {
			panic(fmt.Errorf("%s: %w", e.Name(), err))
		}
		l.Name = l.texts["language"]
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b *language) int {
		switch "en" {
		case a.Code:
			return -1
		case b.Code:
			return 1
		}
		return 0
	})
	return all
}()

// languageOf is the language that somebody chose, or else the first that the browser asks
// for and that there is.
func languageOf(r *http.Request) *language {
	asked := r.Header.Get("Accept-Language")
	if c, err := r.Cookie(cookieLanguage); err == nil {
		asked = c.Value + "," + asked
	}
	for one := range strings.SplitSeq(asked, ",") {
		one, _, _ = strings.Cut(strings.TrimSpace(one), ";")
		one, _, _ = strings.Cut(one, "-")
		if i := slices.IndexFunc(languages, func(l *language) bool { return l.Code == strings.ToLower(one) }); i >= 0 {
			return languages[i]
		}
	}
	return languages[0]
}

// chooseLanguage remembers a language, and goes back to where it was chosen.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	name, back := r.PathValue("name"), r.URL.Query().Get("back")
	if slices.ContainsFunc(languages, func(l *language) bool { return l.Code == name }) {
		(&visit{w: w}).remember(cookieLanguage, name)
	}
	http.Redirect(w, r, ownPath(back), http.StatusSeeOther)
}

// text is a text of the catalogue, with what belongs into it. One that is missing is its
// own name: a test finds those.
func (l *language) text(name string, args ...any) string {
	text, ok := l.texts[name]
	if !ok {
		return name
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// number is a number that is written as in English, as the language writes it.
func (l *language) number(english string) string {
	return strings.NewReplacer(",", l.texts["number.thousands"], ".", l.texts["number.decimal"]).Replace(english)
}

// instant is a date and a time; today's is a time alone.
func (l *language) instant(at, now time.Time) string {
	clock := at.Format("15:04")
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return l.text("today", clock)
	}
	return l.date(at) + ", " + clock
}

// date is a day.
func (l *language) date(at time.Time) string {
	return fmt.Sprintf("%d %s %d", at.Day(), strings.Fields(l.texts["months"])[at.Month()-1], at.Year())
}

// written are the instants in a sentence of the service.
var written = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// plainly is such an instant as people read it.
func (v *visit) plainly(instant string) string {
	at, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return instant
	}
	m := v.At(at)
	if m.UTC == "" {
		return m.Local
	}
	return m.Local + " (" + m.UTC + ")"
}
