package contract

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Comment is what the contract says about a message, a field, an enum or one of its
// values: the text above it in its .proto file, in paragraphs with an empty line between
// them. It is an error if there is none: a test sees to it that each has one.
func Comment(d protoreflect.Descriptor) (string, error) {
	source, err := campaignv1.Sources.ReadFile(path.Base(d.ParentFile().Path()))
	if err != nil {
		return "", fmt.Errorf("%s is not explained here: %w", d.FullName(), err)
	}
	var comment []string
	var within []string // names of what is open: a message, or "" for what has none
	wanted := strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
	if value, ok := d.(protoreflect.EnumValueDescriptor); ok {
		// A value is a sibling of its enum in the names of protobuf.
		wanted = strings.TrimPrefix(string(value.Parent().FullName()), string(d.ParentFile().Package())+".") + "." + string(d.Name())
	}
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "//"); ok {
			comment = append(comment, strings.TrimPrefix(text, " "))
			continue
		}
		name := ""
		if m := declared.FindStringSubmatch(line); m != nil {
			name = m[1] + m[2] + m[3]
		}
		// A oneof opens nothing in the names of protobuf.
		here := strings.Join(append(nonEmpty(within), name), ".")
		if name != "" && here == wanted && len(comment) > 0 {
			return strings.TrimSpace(strings.Join(comment, "\n")), nil
		}
		comment = nil
		for range strings.Count(line, "{") {
			opened := ""
			if strings.HasPrefix(line, "message ") || strings.HasPrefix(line, "enum ") {
				opened = name
			}
			within = append(within, opened)
		}
		for range strings.Count(line, "}") {
			if len(within) > 0 {
				within = within[:len(within)-1]
			}
		}
	}
	return "", fmt.Errorf("the contract says nothing about %s", d.FullName())
}

// declared is a line that declares a name: a message or an enum, a field, a value of an
// enum.
var declared = regexp.MustCompile(`^(?:message|enum) (\w+)|^(?:(?:optional|repeated) )?(?:[\w.]+|map<[^>]*>) (\w+) = \d+|^([A-Z][A-Z0-9_]*) = \d+`)

func nonEmpty(names []string) []string {
	var all []string
	for _, name := range names {
		if name != "" {
			all = append(all, name)
		}
	}
	return all
}
