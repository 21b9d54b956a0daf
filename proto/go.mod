// The contract and its Go client are a module of their own, so that whoever imports them
// has nothing of the service in its module graph: protobuf, the types of protovalidate,
// and the client of NATS. Who imports the types alone builds protobuf alone. A requirement
// here is one of every sender and reader of events, so it earns its place. Tests that need
// more, a server above all, are in the module of the service.
module github.com/staffetta-io/staffetta/proto

go 1.26.0

require (
	buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go v1.36.12-20260825204119-511051f7f437.1
	github.com/nats-io/nats.go v1.55.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
