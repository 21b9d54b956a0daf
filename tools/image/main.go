// Command image puts a binary into an image, as a Dockerfile FROM scratch says, without a
// container engine: the same binary gives the same digest, on every machine.
//
//	image -dockerfile deploy/Dockerfile -binary staffetta -name staffetta:v1.2.3 -created 2026-12-01T00:00:00Z -label key=value -o image.tar
//
// It prints the digest. docker load and skopeo read the file.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("image: ")
	var o options
	flag.StringVar(&o.dockerfile, "dockerfile", "deploy/Dockerfile", "what the image is like")
	flag.StringVar(&o.binary, "binary", "", "the file that it copies")
	flag.StringVar(&o.name, "name", "", "name and tag of the image")
	flag.StringVar(&o.arch, "arch", "amd64", "for which machine the binary is")
	flag.StringVar(&o.created, "created", "", "when, in RFC 3339: of the commit, so that it is the same again")
	flag.StringVar(&o.out, "o", "", "file to write")
	o.labels = map[string]string{}
	flag.Func("label", "key=value", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("want key=value")
		}
		o.labels[k] = v
		return nil
	})
	flag.Parse()
	digest, err := o.write()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(digest)
}

type options struct {
	dockerfile, binary, name, arch, created, out string
	labels                                       map[string]string
}

func (o options) write() (v1.Hash, error) {
	created, err := time.Parse(time.RFC3339, o.created)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("-created: %w", err)
	}
	created = created.UTC()
	file, err := os.Open(o.dockerfile)
	if err != nil {
		return v1.Hash{}, err
	}
	defer file.Close()
	cfg, to, err := read(file)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("%s: %w", o.dockerfile, err)
	}
	cfg.Labels = o.labels
	binary, err := os.ReadFile(o.binary)
	if err != nil {
		return v1.Hash{}, err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(to, "/"), Mode: 0o755, Size: int64(len(binary)), ModTime: created, Format: tar.FormatUSTAR}); err != nil {
		return v1.Hash{}, err
	}
	if _, err := w.Write(binary); err != nil {
		return v1.Hash{}, err
	}
	if err := w.Close(); err != nil {
		return v1.Hash{}, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil })
	if err != nil {
		return v1.Hash{}, err
	}
	img, err := mutate.Append(empty.Image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "COPY " + filepath.Base(o.binary) + " " + to}})
	if err != nil {
		return v1.Hash{}, err
	}
	img, err = mutate.ConfigFile(img, configOf(img, cfg, o.arch, created))
	if err != nil {
		return v1.Hash{}, err
	}
	tag, err := name.NewTag(o.name)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := tarball.WriteToFile(o.out, tag, img); err != nil {
		return v1.Hash{}, err
	}
	return img.Digest()
}

func configOf(img v1.Image, cfg v1.Config, arch string, created time.Time) *v1.ConfigFile {
	file, err := img.ConfigFile()
	if err != nil {
		log.Fatal(err) // it was made in this process
	}
	file = file.DeepCopy()
	file.Architecture, file.OS, file.Created, file.Config = arch, "linux", v1.Time{Time: created}, cfg
	return file
}

// read reads a Dockerfile of the few instructions that an image from scratch needs, and
// where it copies its file to. Any other instruction is an error: nothing is left out.
func read(r io.Reader) (cfg v1.Config, to string, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case word == "FROM" && rest == "scratch":
		case word == "COPY" && to == "":
			_, to, _ = strings.Cut(rest, " ")
			to = path.Clean(strings.TrimSpace(to))
		case word == "USER":
			cfg.User = rest
		case word == "ENV":
			cfg.Env = append(cfg.Env, rest)
		case word == "EXPOSE":
			if cfg.ExposedPorts == nil {
				cfg.ExposedPorts = map[string]struct{}{}
			}
			for port := range strings.FieldsSeq(rest) {
				cfg.ExposedPorts[port+"/tcp"] = struct{}{}
			}
		case word == "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &cfg.Entrypoint)
		case word == "CMD":
			err = json.Unmarshal([]byte(rest), &cfg.Cmd)
		default:
			err = fmt.Errorf("%q is not understood", line)
		}
		if err != nil {
			return cfg, to, err
		}
	}
	if to == "" {
		err = fmt.Errorf("it copies nothing")
	}
	return cfg, to, err
}
