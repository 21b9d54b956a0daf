package sandbox

import (
	"fmt"
	"math/rand/v2"
)

// A DemoList describes a list by how many entries of which kind are in it. What a
// campaign to it costs and delivers then follows, through the same code as for any
// other list.
type DemoList struct {
	Name string `json:"name"`
	// Contacts is the number of entries, of all kinds.
	Contacts int `json:"contacts"`
	// Duplicates repeat the number of another entry, in another spelling.
	Duplicates int `json:"duplicates"`
	// Malformed numbers are not in international format, or not numbers.
	Malformed int `json:"malformed"`
	// OptedOut numbers are put on the opt-out list of the account.
	OptedOut int `json:"optedOut"`
	// Unreachable numbers are valid, and nothing sent to them arrives.
	Unreachable int `json:"unreachable"`
}

// ShopItalia is the customer list of UC-006: 10,247 entries, of which 416 are
// invalid and 289 cannot be reached.
func ShopItalia() DemoList {
	return DemoList{
		Name: "ShopItalia customers", Contacts: 10_247,
		Duplicates: 187, Malformed: 133, OptedOut: 96, Unreachable: 289,
	}
}

func (d DemoList) validate() error {
	for _, n := range []int{d.Contacts, d.Duplicates, d.Malformed, d.OptedOut, d.Unreachable} {
		if n < 0 {
			return fmt.Errorf("a list cannot have %d of anything", n)
		}
	}
	valid := d.Contacts - d.Duplicates - d.Malformed - d.OptedOut
	switch {
	case d.Contacts > maxDemo:
		return fmt.Errorf("%d contacts are more than %d", d.Contacts, maxDemo)
	case valid < 0:
		return fmt.Errorf("duplicates, malformed and opted out are %d more than contacts", -valid)
	case d.Unreachable > valid:
		return fmt.Errorf("%d unreachable are more than the %d valid numbers", d.Unreachable, valid)
	case d.Duplicates > 0 && valid == 0:
		return fmt.Errorf("%d duplicates need a valid number to repeat", d.Duplicates)
	}
	return nil
}

// maxDemo is as many as there are telephone numbers of demoNumber for.
const maxDemo = 1_000_000

// FillDemo makes the list and returns its id. Every contact has a firstName, a
// lastName and a personal code. The same calls in the same order on a fresh
// sandbox make the same contacts. It fails on a description that contradicts
// itself.
func (s *Sandbox) FillDemo(d DemoList) (listID int, err error) {
	if err := d.validate(); err != nil {
		return 0, fmt.Errorf("fill demo list: %w", err)
	}
	if d.Name == "" {
		d.Name = "Demo"
	}
	// Two lists must not share numbers, or the opt-outs of one would change the
	// figures of the other; not even two that are made at the same time.
	s.demo.Lock()
	defer s.demo.Unlock()
	offset := s.contacts.size()
	if offset+d.Contacts > maxDemo {
		return 0, fmt.Errorf("fill demo list: %d contacts are there, %d more than %d", offset, d.Contacts, maxDemo)
	}
	contacts, optedOut, unreachable := d.build(offset)
	listID = s.NewList(d.Name)
	if err := s.AddContacts(listID, contacts...); err != nil {
		return 0, err
	}
	if err := s.OptOut(optedOut...); err != nil {
		return 0, err
	}
	return listID, s.Unreachable(unreachable...)
}

func (d DemoList) build(offset int) (contacts []Contact, optedOut, unreachable []string) {
	valid := d.Contacts - d.Duplicates - d.Malformed - d.OptedOut
	numbers := make([]string, 0, d.Contacts)
	for i := range valid {
		numbers = append(numbers, demoNumber(offset+i))
	}
	unreachable = numbers[:d.Unreachable:d.Unreachable]
	for i := range d.OptedOut {
		numbers = append(numbers, demoNumber(offset+valid+i))
	}
	optedOut = numbers[valid:]
	for i := range d.Duplicates {
		numbers = append(numbers, respell(numbers[i%valid], i))
	}
	for i := range d.Malformed {
		numbers = append(numbers, malformed(i))
	}
	// A real list has its mistakes anywhere, and always in the same places.
	shuffled := rand.New(rand.NewPCG(2026, 11)).Perm(d.Contacts)
	contacts = make([]Contact, d.Contacts)
	for i, n := range shuffled {
		id := offset + i
		contacts[i] = Contact{
			PhoneNumber:  numbers[n],
			FirstName:    demoFirstNames[id%len(demoFirstNames)],
			LastName:     demoLastNames[id/len(demoFirstNames)%len(demoLastNames)],
			CustomFields: map[string]string{"code": demoCode(id)},
		}
	}
	return contacts, optedOut, unreachable
}

// demoNumber gives each n below 10 million a number of its own: the factor has no
// common divisor with the modulus.
func demoNumber(n int) string { return fmt.Sprintf("+39320%07d", n*7_654_321%10_000_000) }

func respell(number string, i int) string {
	country, operator, subscriber := number[1:3], number[3:6], number[6:]
	switch i % 3 {
	case 0:
		return "00" + country + operator + subscriber
	case 1:
		return "+" + country + " " + operator + " " + subscriber
	}
	return "+" + country + " (" + operator + ") " + subscriber[:3] + "-" + subscriber[3:]
}

func malformed(i int) string {
	switch i % 4 {
	case 0:
		return fmt.Sprintf("320%07d", i) // national: no country code
	case 1:
		return fmt.Sprintf("+39 3%d", i%90+10) // broken off
	case 2:
		return fmt.Sprintf("+39320%05dXX", i) // typed in a hurry
	}
	return fmt.Sprintf("+39320%012d", i) // two numbers in one field
}

// demoCode is five characters that cannot be mistaken for one another.
func demoCode(n int) string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	code := []byte("BF-.....")
	for i, bits := 3, uint32(n)*0x9E3779B1%(1<<25); i < len(code); i, bits = i+1, bits>>5 {
		code[i] = letters[bits&31]
	}
	return string(code)
}

var (
	demoFirstNames = []string{
		"Giulia", "Marco", "Sofia", "Luca", "Chiara", "Nicolò", "Anna", "Matteo", "Elena", "Davide",
		"Francesca", "Andrea", "Noè", "Martina", "Paolo", "Sara", "Giosuè", "Irene", "Pietro", "Zoé",
	}
	demoLastNames = []string{
		"Rossi", "Bianchi", "Ferrari", "Russo", "Colombo", "Ricci", "Marino", "Greco", "Bruno",
		"Gallo", "Conti", "De Luca", "Costa", "Giordano", "Mancini", "Rizzo", "Lombardi", "D'Amico",
	}
)
