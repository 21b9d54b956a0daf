package web

import "net/http"

// SignIn says who looks at the page.
type SignIn interface {
	// Person is who sent the request. An error says in a sentence why that is not known.
	Person(*http.Request) (Person, error)
	// Refuse answers somebody who is not known: it sends them to where they sign in, or
	// says why they cannot.
	Refuse(http.ResponseWriter, *http.Request, error)
}

// Person is who looks, and who speaks when a button is pressed. The page speaks to the
// service as its own user, and says for whom: see docs/page.md.
type Person struct {
	Name  string // in the records and in the events; empty: the form asks for it
	Proof string // how the name is known, for people
}

// nobody is for a page without a sign-in: the form asks for a name, and nothing proves it.
type nobody struct{}

func (nobody) Person(r *http.Request) (Person, error) {
	p := Person{}
	if c, err := r.Cookie(cookieName); err == nil {
		p.Name = c.Value
	}
	return p, nil
}

func (nobody) Refuse(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusForbidden)
}
