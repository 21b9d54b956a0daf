package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// An Operation is a kind of request, in faults and in the record. In JSON it is
// its name: "any", "create", "configure" …
type Operation int

const (
	Any        Operation = iota // in a fault: every operation
	Create                      // POST /campaigns
	Configure                   // PUT /campaigns/{id}
	Calculate                   // POST /campaigns/{id}/calculateGoal
	Price                       // GET /campaigns/{id}/price
	Confirm                     // PUT /campaigns/{id}/confirm
	Status                      // GET /campaigns/{id}
	Stats                       // GET /campaigns/stats
	Delete                      // DELETE /campaigns/{id}
	Search                      // GET /campaigns
	Contacts                    // everything under /contacts, Lists and Upload too
	Lists                       // everything under /contacts/list
	Upload                      // POST /contacts/upload and /contacts/mapped/file
	Quota                       // GET …/subscription/contacts
	Credit                      // GET …/subscription/credit
	Reads                       // in a fault: Status, Stats and Search
	operations = iota
)

var operationNames = [operations]string{
	"any", "create", "configure", "calculate", "price", "confirm",
	"status", "stats", "delete", "search", "contacts", "lists", "upload", "quota", "credit", "reads",
}

// covers tells whether a rule about this operation is about another, too.
func (o Operation) covers(other Operation) bool {
	switch o {
	case Any, other:
		return true
	case Contacts:
		return other == Lists || other == Upload
	case Reads:
		return other == Status || other == Stats || other == Search
	}
	return false
}

func (o Operation) String() string { return operationNames[o] }

// MarshalText gives the name.
func (o Operation) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a name; the error lists the names there are.
func (o *Operation) UnmarshalText(b []byte) error {
	i := slices.Index(operationNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("operation %q is none of %s", b, strings.Join(operationNames[:], ", "))
	}
	*o = Operation(i)
	return nil
}
