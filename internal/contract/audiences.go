package contract

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// ChunkSubject is where a chunk of an audience lies, from 1 on.
func ChunkSubject(source, digest string, n int) string {
	return streams.AudiencePrefix + source + "." + digest + "." + strconv.Itoa(n)
}

// ChunkSubjects is where all of them lie.
func ChunkSubjects(source, digest string) string {
	return streams.AudiencePrefix + source + "." + digest + ".*"
}

// VersionSubject is where a version of a named audience lies. The name stands where a chunk
// has its digest, behind a sign that no digest has.
func VersionSubject(source, name, version string) string {
	return streams.AudiencePrefix + source + ".@" + name + "." + version
}

// VersionSubjects is where all versions of a name lie.
func VersionSubjects(source, name string) string { return VersionSubject(source, name, "*") }

// SplitVersion says that a subject is that of a version, and of which name it is.
func SplitVersion(subject string) (source, name string, ok bool) {
	tail, ok := strings.CutPrefix(subject, streams.AudiencePrefix)
	source, tail, _ = strings.Cut(tail, ".")
	name, _, _ = strings.Cut(tail, ".")
	name, named := strings.CutPrefix(name, "@")
	return source, name, ok && named
}

// VersionToken tells one version from another: the same list of the same instant is the same
// version, however often it is published.
func VersionToken(m *campaignv1.AudienceVersion) string {
	return strconv.FormatInt(m.GetAsOf().GetSeconds(), 10) + "-" + m.GetAudience().GetSha256()[:16]
}

// ReadVersion reads a version, as the stream stored it. An error names the fields at fault.
func ReadVersion(v Validator, subject string, h Header, data []byte, stored time.Time) (campaign.Version, error) {
	var m campaignv1.AudienceVersion
	if err := decodeOrder(&m, h, data); err != nil {
		return campaign.Version{}, err
	}
	if err := v.Validate(&m); err != nil {
		return campaign.Version{}, err
	}
	source, name, _ := SplitVersion(subject)
	for _, f := range []struct{ field, subject, message string }{{"source", source, m.GetSource()}, {"name", name, m.GetName()}} {
		if f.subject != f.message {
			return campaign.Version{}, &Unreadable{Reason: deadletter.Mismatch, fields: []string{f.field}, Note: fmt.Sprintf(
				"the subject says %q, the message %q: publish it again with both the same", f.subject, f.message)}
		}
	}
	a := m.GetAudience()
	is := campaign.Version{Name: name, Digest: a.GetSha256(), Size: a.GetSize(), Chunks: int(a.GetChunks()), Format: formatOf(a), AsOf: stored.UTC()}
	if said := m.GetAsOf(); said != nil && said.AsTime().Before(stored) {
		is.AsOf = said.AsTime()
	}
	return is, nil
}

// HeaderDigest is the header by which whoever publishes a chunk may say what is in it (RFC
// 9530). Without it only all chunks together can be told to be wrong.
const HeaderDigest = "content-digest"

// ChunkDigest is what that header says of a chunk.
func ChunkDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}
