// Package runner knows the loop: wake → load → publish what is owed → decide → save →
// publish → act, and declares the ports it needs for that. Recovery after a crash is
// the same path as the first time.
//
// It refuses to know the rules (package campaign decides), the gateway's wire
// and the streams (adapters of its ports).
package runner
