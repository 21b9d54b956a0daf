package uc006

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Uploads. The vendor's pages disagree: by one of them an upload puts the people into the
// list, by another one it only shows the rows, and a second call commits them. Whatever
// the answers say, the list is counted afterwards.

// uploadWithin is how long one upload may take: a hundred thousand people are some
// megabytes, and the gateway reads them all before it answers.
const uploadWithin = 10 * time.Minute

// Upload puts people into a list. To do it again adds nobody: contacts are matched by
// their phone number.
func (c *caller) Upload(ctx context.Context, list int64, people campaign.File) campaign.Outcome {
	if people == nil {
		return c.line.NoSuchCall(campaign.OpUpload)
	}
	var in imported
	first := c.upload(ctx, "/contacts/upload", list, people, &in)
	if first.Kind != campaign.OK || in.committed && !c.twoSteps {
		return first
	}
	if no, ok := c.line.Admit(ctx, campaign.OpUpload); !ok {
		return no
	}
	out := c.upload(ctx, "/contacts/mapped/file", list, people, &imported{})
	if out.Cause == campaign.NotFound && !c.twoSteps || out.Cause == campaign.Unsupported && !c.twoSteps {
		out = first // there is no second step, so the first one was all
	}
	out.Started, out.Took = first.Started, time.Since(first.Started)
	return out
}

// upload sends the file, a CSV with a header that names the columns in the gateway's own
// words.
func (c *caller) upload(ctx context.Context, path string, list int64, people campaign.File, into answer) campaign.Outcome {
	boundary := multipart.NewWriter(io.Discard).Boundary()
	return c.exchange(ctx, request{
		op: campaign.OpUpload, method: http.MethodPost, path: path, within: uploadWithin, quiet: true,
		bodyType: "multipart/form-data; boundary=" + boundary,
		write: func(w io.Writer) error {
			form := multipart.NewWriter(w)
			if err := form.SetBoundary(boundary); err != nil {
				return err
			}
			for _, f := range []struct{ name, value string }{
				{"listId", strconv.FormatInt(list, 10)}, {"fileName", fileName}, {"removeHead", "true"},
			} {
				if err := form.WriteField(f.name, f.value); err != nil {
					return err
				}
			}
			file, err := form.CreateFormFile("file", fileName)
			if err != nil {
				return err
			}
			err = people(func(piece []byte) error { _, err := file.Write(piece); return err })
			if err != nil {
				return fmt.Errorf("read the people again: %w", err) // the form has no end, so nobody takes it for whole
			}
			return form.Close()
		},
	}, into)
}

// fileName tells the gateway by its end how to read the file.
const fileName = "recipients.csv"

// imported is the answer to an upload.
type imported struct {
	committed bool // it says that it has imported people, and not only shows rows
}

func (a *imported) decode(body []byte, _ int64) error {
	if err := notAPage(body); err != nil {
		return err
	}
	var in struct {
		Status   json.RawMessage `json:"status"`
		Summary  json.RawMessage `json:"summary"`
		Imported json.RawMessage `json:"imported"`
	}
	if json.Unmarshal(body, &in) != nil {
		return nil // rows, or nothing
	}
	said := text(in.Status)
	if strings.EqualFold(said, "fail") || strings.EqualFold(said, "error") || strings.EqualFold(said, "failed") {
		return errors.New("a success whose body says " + said)
	}
	a.committed = in.Summary != nil || in.Imported != nil || strings.EqualFold(said, "COMPLETED")
	return nil
}
