// Package cloudevents holds the service to CloudEvents, from outside: it has the program
// and the SDK of CloudEvents, and knows nothing else of Staffetta. It is a package of the
// tools, so that the SDK is no part of what others import.
package cloudevents
