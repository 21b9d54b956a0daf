// Package alarms is tests only: it holds the table of alarms in docs/operations.md, the
// rules for Prometheus, the dashboard for Grafana and the metrics of the service to each
// other, and breaks a running service until a real Prometheus rings.
package alarms
