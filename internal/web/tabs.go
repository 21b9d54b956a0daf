package web

// tab is one of the pages that every page leads to.
type tab struct{ Name, Path string }

// Tabs are all of them, in their order.
func (v *visit) Tabs() []tab {
	return []tab{
		{"inbox", "/"}, {"campaigns", "/campaigns"}, {"calendar", "/calendar"}, {"money", "/money"},
		{"schedules", "/schedules"}, {"letters", "/letters"}, {"health", "/health"}, {"ask", "/ask"},
	}
}
