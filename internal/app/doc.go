// Package app knows how the program is put together: options in, one running
// service out, everything torn down in the reverse order of its making. It
// also starts what a development machine lacks: a NATS server and the sandbox
// gateway, inside the process.
//
// It refuses to know flags, files and the environment (package cli), and
// decides nothing about campaigns.
package app
