package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// SignIn says who looks at the page.
type SignIn interface {
	// Person is who sent the request. An error says in a sentence why that is not known.
	Person(*http.Request) (Person, error)
	// Refuse answers somebody who is not known: it sends them to where they sign in, or
	// says why they cannot.
	Refuse(http.ResponseWriter, *http.Request, error)
	// Routes adds the addresses by which people sign in and out.
	Routes(*http.ServeMux)
}

// Person is who looks, and who speaks when a button is pressed. The page speaks to the
// service as its own user, and says for whom: see docs/page.md.
type Person struct {
	Name  string // in the records and in the events; empty: the form asks for it
	Proof string // how the name is known, for people
	Leave bool   // there is a session that the person can end
}

// nobody is for a page without a sign-in: the form asks for a name, and nothing proves it.
type nobody struct{}

func (nobody) Person(r *http.Request) (Person, error) {
	p := Person{}
	if c, err := r.Cookie(cookieName); err == nil && named(c.Value) == nil {
		p.Name = c.Value
	}
	return p, nil
}

func (nobody) Refuse(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusForbidden)
}

func (nobody) Routes(*http.ServeMux) {}

// nameAtMost is how long a person's name may be, in bytes.
const nameAtMost = 200

// named says what is wrong with a person's name.
func named(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("there is no name")
	case len(name) > nameAtMost:
		return fmt.Errorf("a name of %d bytes: want at most %d", len(name), nameAtMost)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the name %q has characters that cannot be shown", name)
	}
	return nil
}

// decides says that somebody may press buttons: everybody may, unless it is said who.
func (s *Server) decides(p Person) bool {
	_, open := s.SignIn.(nobody)
	return open || len(s.Deciders) == 0 || slices.Contains(s.Deciders, p.Name)
}

// deciding refuses a form of somebody who may only look.
func (s *Server) deciding(answer func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.Decides {
			return forbiddenError{fmt.Errorf("%s", v.T("signin.looks", v.Person.Name))}
		}
		return answer(v)
	}
}

// forbiddenError says that somebody may not do what they tried.
type forbiddenError struct{ error }
