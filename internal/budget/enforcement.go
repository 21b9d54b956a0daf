package budget

// Enforcement is what one service says when it is asked whether it enforces the budgets.
type Enforcement struct {
	Service  string `json:"service"`       // its machine's name
	Enforces bool   `json:"heeds"`         // the budgets, from now on
	Why      string `json:"why,omitempty"` // not
}
