package sandbox

import (
	"fmt"
	"reflect"
	"slices"
)

// Variants are things the gateway may do otherwise than the sandbox does by
// default, because the vendor's other pages say so, because UC-006 does not say
// more, or because nobody says anything.
type Variants struct {
	NumericStatus  bool `json:"numericStatus,omitempty"`  // 0 to 4 instead of names
	ConfirmIs202   bool `json:"confirmIs202,omitempty"`   // instead of 200
	ConfirmNoBody  bool `json:"confirmNoBody,omitempty"`  // takes effect, and says nothing
	CreditIs400    bool `json:"creditIs400,omitempty"`    // insufficient credit, instead of 402
	SecondConfirm  bool `json:"secondConfirm,omitempty"`  // sends and charges again, instead of 409
	ReadyToSend    bool `json:"readyToSend,omitempty"`    // must be true before a confirm
	ReplaceUnicode bool `json:"replaceUnicode,omitempty"` // with unicode false: replace characters instead of refusing the text

	// UC006 is the gateway with the calls that UC-006 shows, and no other: NoRead,
	// NoSearch and StatsOnceSending. Whether it has a DELETE is NoDelete's to say.
	UC006            bool `json:"uc006,omitempty"`
	NoRead           bool `json:"noRead,omitempty"`           // 404 to GET /campaigns/{id}
	ReadDraftsOnly   bool `json:"readDraftsOnly,omitempty"`   // the same, once it is confirmed
	NoSearch         bool `json:"noSearch,omitempty"`         // 404 to GET /campaigns
	NoDelete         bool `json:"noDelete,omitempty"`         // 405 to DELETE /campaigns/{id}
	StatsOnceSending bool `json:"statsOnceSending,omitempty"` // 404 to statistics before the first message has left
	StatsNeedDates   bool `json:"statsNeedDates,omitempty"`   // 400 to statistics without startDate and endDate

	NoDescription       bool `json:"noDescription,omitempty"`       // reads and searches do not show it
	CreateNoDescription bool `json:"createNoDescription,omitempty"` // nor does the answer to a create

	ConfigureOnce      bool `json:"configureOnce,omitempty"`      // refused once it is calculated
	ConfigureKeeps     bool `json:"configureKeeps,omitempty"`     // accepted while it is CONFIRMED, and it stays so
	ConfigureUnconfirm bool `json:"configureUnconfirm,omitempty"` // accepted while it is CONFIRMED, and undoes the confirm
	ConfigureBlind     bool `json:"configureBlind,omitempty"`     // answers CONFIGURED whatever it is, and it is sent all the same

	UploadTwoSteps     bool `json:"uploadTwoSteps,omitempty"`     // an upload shows the rows, and POST /contacts/mapped/file commits them
	CountLags          bool `json:"countLags,omitempty"`          // contactCount shows what a list had 30 seconds ago
	FieldsWhileSending bool `json:"fieldsWhileSending,omitempty"` // a contact's fields are read when its message leaves, not at the calculation

	// SimulationIn is the one body in which "simulation" is heeded: create,
	// configure or confirm, or nowhere. Empty: any of them.
	SimulationIn string `json:"simulationIn,omitempty"`
	// Envelope is the shape of refusals. Empty: JSend.
	Envelope Body `json:"envelope,omitempty"`
}

func (v Variants) validate() error {
	if !slices.Contains([]string{"", "create", "configure", "confirm", "nowhere"}, v.SimulationIn) {
		return fmt.Errorf("simulationIn %q is none of create, configure, confirm, nowhere", v.SimulationIn)
	}
	if v.Envelope != "" && !slices.Contains(envelopes, v.Envelope) {
		return fmt.Errorf("envelope %q is none of %s", v.Envelope, names(envelopes))
	}
	return nil
}

// UnmarshalJSON refuses variants that there are not: a misspelt one would silently
// do nothing. What the JSON does not name stays as it is.
func (v *Variants) UnmarshalJSON(b []byte) error {
	type plain Variants
	if err := strict(b, (*plain)(v)); err != nil {
		return err
	}
	return v.validate()
}

// with adds what the others switch on.
func (v Variants) with(others Variants) Variants {
	if others == (Variants{}) {
		return v
	}
	into, from := reflect.ValueOf(&v).Elem(), reflect.ValueOf(others)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			into.Field(i).Set(from.Field(i))
		}
	}
	return v
}

// expanded spells out what a variant stands for.
func (v Variants) expanded() Variants {
	if v.UC006 {
		v.NoRead, v.NoSearch, v.StatsOnceSending = true, true, true
	}
	return v
}

// obeysSimulation tells whether "simulation" in the body of an operation counts.
func (v Variants) obeysSimulation(op Operation) bool {
	return v.SimulationIn == "" || v.SimulationIn == op.String()
}
