package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
)

// debian are the packages that the examples in other languages need.
const debian = "protobuf-compiler python3-protobuf default-jdk-headless libprotobuf-java libgoogle-gson-java"

// unavailable skips what this machine cannot run; what tests every change has to.
func unavailable(t *testing.T, what string) {
	t.Helper()
	line := fmt.Sprintf("the example in %s; apt-get install %s", what, debian)
	if os.Getenv("CI") == "true" {
		t.Fatal("this machine cannot run " + line)
	}
	t.Skip("skipped: " + line + " installs what it needs")
}

// protoc writes the contract in another language.
func protoc(t *testing.T, out string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	args := append([]string{"--descriptor_set_in=" + filepath.Join(root, bareContract), "--" + out + "=" + dir}, contractFiles()...)
	if said, err := exec.CommandContext(t.Context(), "protoc", args...).CombinedOutput(); err != nil {
		t.Fatalf("protoc: %v\n%s", err, said)
	}
	return dir
}

// program runs an example, with its arguments and what it reads.
type program func(stdin string, args ...string) *exec.Cmd

func inPython(t *testing.T) program {
	var python string
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import google.protobuf").Run() == nil {
			python = name
			break
		}
	}
	if _, err := exec.LookPath("protoc"); err != nil || python == "" {
		unavailable(t, "Python")
	}
	generated := protoc(t, "python_out")
	return func(stdin string, args ...string) *exec.Cmd {
		run := exec.CommandContext(t.Context(), python, append([]string{filepath.Join(root, "examples/languages/python/staffetta_events.py")}, args...)...)
		run.Env = append(os.Environ(), "PYTHONPATH="+generated, "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8")
		return run
	}
}

func inJava(t *testing.T) program {
	var path []string
	for _, name := range []string{"protobuf", "protobuf-util", "gson", "guava"} {
		jar := "/usr/share/java/" + name + ".jar"
		if _, err := os.Stat(jar); err != nil {
			unavailable(t, "Java")
		}
		path = append(path, jar)
	}
	for _, tool := range []string{"protoc", "javac", "java"} {
		if _, err := exec.LookPath(tool); err != nil {
			unavailable(t, "Java")
		}
	}
	generated, classes := protoc(t, "java_out"), t.TempDir()
	sources := []string{filepath.Join(root, "examples/languages/java/StaffettaEvents.java")}
	found, err := filepath.Glob(filepath.Join(generated, "staffetta/campaign/v1/*.java"))
	if err != nil || len(found) == 0 {
		t.Fatal("protoc wrote no Java", err)
	}
	sources = append(sources, found...)
	// A program that lives for a second is slower for being compiled well.
	quick := []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}
	args := append([]string{"-J" + quick[0], "-J" + quick[1], "-encoding", "UTF-8", "-proc:none", "-nowarn", "-cp", strings.Join(path, ":"), "-d", classes}, sources...)
	if said, err := exec.CommandContext(t.Context(), "javac", args...).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, said)
	}
	return func(stdin string, args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "java", append([]string{quick[0], quick[1], "-cp", strings.Join(append(path, classes), ":"), "StaffettaEvents"}, args...)...)
	}
}

func (p program) lines(t *testing.T, stdin string, args ...string) []string {
	t.Helper()
	run := p(stdin, args...)
	var said bytes.Buffer
	run.Stdin, run.Stderr = strings.NewReader(stdin), &said
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// What the service has told, in protobuf and in JSON, is read in other languages as it was
// told; a type of a later version is passed over; and the service reads what they ask for.
func TestOtherLanguages(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T) program{"Python": inPython, "Java": inJava} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t)

			var want []proto.Message
			var stdin strings.Builder
			tell := func(kind, content string, payload []byte) {
				fmt.Fprintf(&stdin, "%s\t%s\t%s\n", kind, content, base64.StdEncoding.EncodeToString(payload))
			}
			for _, m := range kept(t) {
				if isSent(m.ProtoReflect().Descriptor()) {
					continue
				}
				kind := string(m.ProtoReflect().Descriptor().FullName())
				data, err := proto.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				tell(kind, contract.ContentProtobuf, data)
				tell(kind, "application/json", inJSON(t, m))
				want = append(want, m, m)
			}
			tell("staffetta.campaign.v1.CampaignOfTomorrow", contract.ContentProtobuf, []byte{8, 1})

			said := p.lines(t, stdin.String())
			if len(said) != len(want)+1 || said[len(want)] != "unknown" {
				t.Fatalf("%d events were told and one that nobody knows, %d lines were said, the last is %q", len(want), len(said), said[len(said)-1])
			}
			for i, m := range want {
				have := m.ProtoReflect().New().Interface()
				if err := protojson.Unmarshal([]byte(said[i]), have); err != nil || !proto.Equal(have, m) {
					t.Errorf("%T: read as %s (%v), told as %s", m, said[i], err, inJSON(t, m))
				}
			}

			rules, err := contract.NewValidator()
			if err != nil {
				t.Fatal(err)
			}
			in := contract.Reader{Rules: rules}
			asked := p.lines(t, "", "request")
			subject := "campaign.v1.request.shop-italia." + strings.ToLower(name) + "-1"
			if len(asked) != 2 {
				t.Fatalf("a request is %q, want it in protobuf and in JSON", asked)
			}
			for i, content := range []string{contract.ContentProtobuf, "application/json"} {
				data, err := base64.StdEncoding.DecodeString(asked[i])
				if err != nil {
					t.Fatal(err)
				}
				w, err := in.ReadRequest(subject, contract.Header{"content-type": {content}}, data, time.Now())
				if err != nil || w.Request.Text != "Saldi!" || w.Request.Limits.MaxTotal.Amount.String() != "300" || w.Request.Limits.ApprovalWithin != time.Hour {
					t.Errorf("%s: the service reads %+v, %v", content, w.Request, err)
				}
			}
		})
	}
}
