package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	base = "/api/partner-gateway/v1"
	// The two halves of the prefix are the other way round here, as published.
	creditPath = "/api/v1/partner-gateway/subscription/credit"
	quotaPath  = "/api/v1/partner-gateway/subscription/contacts"
)

// A route is what one method of one path does.
type route struct {
	op     Operation
	handle handler
}

// campaignRoute answers for the calls that a variant does not have, and 404 for a campaign
// that never was, so that the handlers of one campaign can rely on having it.
func campaignRoute(h handler) handler {
	return func(s *Sandbox, c *call) reply {
		switch {
		case c.op == Status && c.variants.NoRead:
			return notFoundAt(c)
		case c.op == Delete && c.variants.NoDelete:
			return notAllowed("PUT")(s, c)
		case c.campaign == nil:
			return noCampaign(c)
		}
		return h(s, c)
	}
}

var gateway = map[string]map[string]route{
	base + "/campaigns": {
		"POST": {Create, (*Sandbox).create},
		"GET":  {Search, (*Sandbox).search},
	},
	base + "/campaigns/stats": {
		"GET": {Stats, (*Sandbox).stats},
	},
	base + "/campaigns/{campaign}": {
		"PUT":    {Configure, campaignRoute((*Sandbox).configure)},
		"GET":    {Status, campaignRoute((*Sandbox).read)},
		"DELETE": {Delete, campaignRoute((*Sandbox).remove)},
	},
	base + "/campaigns/{campaign}/calculateGoal": {
		"POST": {Calculate, campaignRoute((*Sandbox).calculate)},
	},
	base + "/campaigns/{campaign}/price": {
		"GET": {Price, campaignRoute((*Sandbox).price)},
	},
	base + "/campaigns/{campaign}/confirm": {
		"PUT": {Confirm, campaignRoute((*Sandbox).confirm)},
	},
	base + "/contacts": {
		"POST":   {Contacts, (*Sandbox).addContact},
		"GET":    {Contacts, (*Sandbox).findContacts},
		"DELETE": {Contacts, (*Sandbox).removeContacts},
	},
	base + "/contacts/{contact}": {
		"GET": {Contacts, (*Sandbox).readContact},
		"PUT": {Contacts, (*Sandbox).updateContact},
	},
	base + "/contacts/upload": {
		"POST": {Upload, (*Sandbox).uploadContacts},
	},
	base + "/contacts/mapped/file": {
		"POST": {Upload, (*Sandbox).commitContacts},
	},
	base + "/contacts/list": {
		"POST":   {Lists, (*Sandbox).addList},
		"GET":    {Lists, (*Sandbox).findLists},
		"DELETE": {Lists, (*Sandbox).removeLists},
	},
	base + "/contacts/list/contacts": {
		"POST":   {Lists, (*Sandbox).join},
		"DELETE": {Lists, (*Sandbox).leave},
	},
	base + "/contacts/list/{list}/contacts": {
		"GET": {Lists, (*Sandbox).listContacts},
	},
	creditPath: {
		"GET": {Credit, (*Sandbox).credit},
	},
	quotaPath: {
		"GET": {Quota, (*Sandbox).quota},
	},
}

func (s *Sandbox) newRoutes() http.Handler {
	mux := http.NewServeMux()
	for path, methods := range gateway {
		serving := make(map[string]http.Handler, len(methods))
		for method, r := range methods {
			serving[method] = s.serve(r.op, r.handle)
		}
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		refuse := s.serve(Any, notAllowed(allowed))
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if h := serving[r.Method]; h != nil {
				h.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Allow", allowed)
			refuse(w, r)
		})
	}
	mux.HandleFunc("/", s.serve(Any, func(_ *Sandbox, c *call) reply { return notFoundAt(c) }))
	s.controlRoutes(mux)
	return mux
}

func notFoundAt(c *call) reply { return notFound("path", "There is nothing at %s", c.r.URL.Path) }

func notAllowed(allowed string) handler {
	return func(_ *Sandbox, c *call) reply {
		return fail(http.StatusMethodNotAllowed, "method", c.r.Method+" is not allowed here, only "+allowed)
	}
}
