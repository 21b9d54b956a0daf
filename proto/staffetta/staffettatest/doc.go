// Package staffettatest lives campaigns in process, without NATS and in no time, for tests
// of programs that use package staffetta.
//
//	service := staffettatest.New()
//	service.Ends(staffettatest.OverBudget)
//	client := service.Client() // the real client
//
// What it tells is what the real service tells: each [Ending] was lived by the rules of the
// service, and a test of the service holds this package to it. Names, the simulation, the
// instant, and when things happened are those of the request; the figures are those of an
// example, 9,831 recipients for 344.09 EUR, whatever was asked for.
//
// It refuses to know what a campaign costs, which lists there are, and what an account has.
package staffettatest
