package contract

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// ChunkSubject is where a chunk of an audience lies, from 1 on.
func ChunkSubject(source, digest string, n int) string {
	return streams.AudiencePrefix + source + "." + digest + "." + strconv.Itoa(n)
}

// ChunkSubjects is where all of them lie.
func ChunkSubjects(source, digest string) string {
	return streams.AudiencePrefix + source + "." + digest + ".*"
}

// HeaderDigest is the header by which whoever publishes a chunk may say what is in it (RFC
// 9530). Without it only all chunks together can be told to be wrong.
const HeaderDigest = "content-digest"

// ChunkDigest is what that header says of a chunk.
func ChunkDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
