package audience_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/audience"
)

func sum(chunks ...string) audience.Sum {
	whole := strings.Join(chunks, "")
	digest := sha256.Sum256([]byte(whole))
	return audience.Sum{Digest: hex.EncodeToString(digest[:]), Size: int64(len(whole)), Chunks: len(chunks)}
}

func TestJoinNamesTheChunkThatIsNotWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("no answer")
	asked := sum("phone\n", "+393331", "230001\n")
	for _, c := range []struct {
		name   string
		chunks []string // "": there is none; "-": an empty one; "!": nobody answers
		want   string
		chunk  int
	}{
		{"whole", []string{"phone\n", "+393331", "230001\n"}, "", 0},
		{"the second is missing", []string{"phone\n", "", "230001\n"}, "chunk 2 of 3 is missing", 2},
		{"the first is empty", []string{"-"}, "chunk 1 of 3 is empty", 1},
		{"the last is longer", []string{"phone\n", "+393331", "2300012\n"}, "chunk 3 of 3 ends at byte 21, and the request says that there are 20", 3},
		{"the last is shorter", []string{"phone\n", "+393331", "23001\n"}, "the 3 chunks have 19 bytes, and the request says 20", 0},
		{"a digit is another", []string{"phone\n", "+393331", "230002\n"}, "the 3 chunks have another digest", 0},
		{"nobody answers", []string{"phone\n", "!"}, "chunk 2 of 3: no answer", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := io.ReadAll(audience.Join(asked, func(n int) ([]byte, error) {
				switch chunk := c.chunks[n-1]; chunk {
				case "":
					return nil, audience.ErrNoChunk
				case "-":
					return nil, nil
				case "!":
					return nil, unreachable
				default:
					return []byte(chunk), nil
				}
			}))
			if c.want == "" {
				if err != nil || string(data) != "phone\n+393331230001\n" {
					t.Errorf("read %q, %v", data, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			gap := (*audience.Gap)(nil)
			if is := errors.As(err, &gap); is != (c.chunk >= 0) || is && gap.Chunk != c.chunk {
				t.Errorf("gap %+v, want chunk %d", gap, c.chunk)
			}
		})
	}
}
