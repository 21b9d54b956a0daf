// Package streams is what is ours over NATS JetStream, and knows no campaign: the
// streams as they must be, their subjects, and whether those that are there belong
// together; the connection, a write under a condition and what its answer proves, a walk
// through what a stream holds, the keeper of records, the durable consumers, and which
// right a user lacks.
package streams
