package integration

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// An image is built once a run, when the first test asks for it.
type image struct {
	setting    string // environment variable that names an image to take instead
	pkg        string // of the binary
	binary     string
	tags       string // of the build
	dockerfile string // relative to the module's folder

	once sync.Once
	name string
	err  error
}

var (
	natsImage = &image{
		setting: "STAFFETTA_TEST_NATS_IMAGE", pkg: "github.com/nats-io/nats-server/v2",
		binary: "nats-server", dockerfile: "deploy/nats/Dockerfile",
	}
	serviceImage = &image{
		setting: "STAFFETTA_TEST_IMAGE", pkg: "./cmd/staffetta", tags: "production",
		binary: "staffetta", dockerfile: "deploy/Dockerfile",
	}
	// The service's image has no sandbox: this one has it, and is no part of production.
	devImage = &image{
		setting: "STAFFETTA_TEST_DEV_IMAGE", pkg: "./cmd/staffetta",
		binary: "staffetta", dockerfile: "deploy/Dockerfile",
	}
)

// tag gives the image its name.
func (i *image) tag(t testing.TB) string {
	t.Helper()
	i.once.Do(func() {
		if i.name = os.Getenv(i.setting); i.name == "" {
			i.name, i.err = i.build(context.Background())
		}
	})
	if i.err != nil {
		t.Fatal(i.err)
	}
	return i.name
}

func (i *image) build(ctx context.Context) (string, error) {
	binary := filepath.Join(scratch(), "build-"+i.tags, i.binary)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", i.tags, "-o", binary, i.pkg)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", i.pkg, err, out)
	}
	archive, err := archiveOf(filepath.Join(root, i.dockerfile), binary)
	if err != nil {
		return "", err
	}
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return "", err
	}
	defer provider.Close()
	var log bytes.Buffer
	name, err := provider.BuildImage(ctx, &testcontainers.ContainerRequest{
		Labels: labels(),
		FromDockerfile: testcontainers.FromDockerfile{
			ContextArchive: archive, Repo: strings.TrimSuffix("staffetta-integration/"+i.binary+"-"+i.tags, "-"), Tag: strconv.Itoa(os.Getpid()),
			BuildLogWriter: &log,
		},
	})
	if err != nil {
		return "", fmt.Errorf("build the image of %s: %w\n%s", i.dockerfile, err, &log)
	}
	return name, nil
}

// archiveOf is the context of the build: the Dockerfile and one binary.
func archiveOf(dockerfile, binary string) (*bytes.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range []struct {
		path, name string
		mode       int64
	}{{dockerfile, "Dockerfile", 0o644}, {binary, filepath.Base(binary), 0o755}} {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return bytes.NewReader(buf.Bytes()), nil
}

// removeImages removes what this run has built.
func removeImages(ctx context.Context) error {
	for _, i := range []*image{natsImage, serviceImage, devImage} {
		if i.name == "" || i.name == os.Getenv(i.setting) {
			continue
		}
		docker, err := testcontainers.NewDockerClientWithOpts(ctx)
		if err != nil {
			return err
		}
		defer docker.Close()
		if _, err := docker.ImageRemove(ctx, i.name, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
			return fmt.Errorf("remove image %s: %w", i.name, err)
		}
	}
	return nil
}
