package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/spelling"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newExplain(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [MESSAGE[.FIELD]]",
		Short: "Say what a field of a request or of an event means",
		Long: `Print what the contract says about a message or one of its fields: what it means, its
unit, its rule, and the values that it may have. request is CampaignRequested. Without
an argument it lists the messages.`,
		Example: `  staffetta explain request
  staffetta explain request.maxTotal
  staffetta explain CampaignStats.reconciled`,
		Args: atMostOne,
		ValidArgsFunction: func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			words := append([]string{"request"}, messageNames()...)
			if of, _, inside := strings.Cut(typed, "."); inside {
				words = nil
				if m := messageNamed(of); m != nil {
					for i := range m.Fields().Len() {
						words = append(words, of+"."+m.Fields().Get(i).JSONName())
					}
				}
			}
			words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, typed) })
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var b strings.Builder
			err := explainMessages(&b)
			if len(args) > 0 {
				b.Reset()
				err = explain(&b, args[0], pageWidth(t))
			}
			if err == nil {
				_, err = io.WriteString(t.Out, b.String())
			}
			return err
		},
	}
}

// messages are those of the contract, in the order of their names.
func messages() []protoreflect.MessageDescriptor {
	of := (*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor().ParentFile().Package()
	var all []protoreflect.MessageDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage(of, func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			all = append(all, f.Messages().Get(i))
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MessageDescriptor) int {
		return strings.Compare(string(a.Name()), string(b.Name()))
	})
	return all
}

func messageNames() []string {
	var names []string
	for _, m := range messages() {
		names = append(names, string(m.Name()))
	}
	return names
}

// messageNamed is a message by its name, in capitals or not; nil: there is none.
func messageNamed(name string) protoreflect.MessageDescriptor {
	if name == "request" {
		name = "CampaignRequested"
	}
	for _, m := range messages() {
		if strings.EqualFold(string(m.Name()), name) {
			return m
		}
	}
	return nil
}

// explainMessages lists the messages, each with its first sentence.
func explainMessages(b *strings.Builder) error {
	for _, m := range messages() {
		about, err := contract.Comment(m)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(strings.Join(strings.Fields(about), " "), ". ")
		fmt.Fprintf(b, "%s\n    %s\n", m.Name(), strings.TrimSuffix(first, ".")+".")
	}
	return nil
}

// explain writes about a message, or about a field of one.
func explain(b *strings.Builder, name string, width int) error {
	first, rest, inside := strings.Cut(name, ".")
	m := messageNamed(first)
	if m == nil {
		return usageError{fmt.Errorf("there is no message %q%s want request or one of %s", first, cmp.Or(spelling.Meant(first, messageNames()), ":"), strings.Join(messageNames(), ", "))}
	}
	if !inside {
		return explainMessage(b, m, width)
	}
	for {
		member, deeper, more := strings.Cut(rest, ".")
		f := m.Fields().ByJSONName(member)
		if f == nil {
			f = m.Fields().ByName(protoreflect.Name(member))
		}
		if f == nil {
			var known []string
			for i := range m.Fields().Len() {
				known = append(known, m.Fields().Get(i).JSONName())
			}
			return usageError{fmt.Errorf("%s has no field %q%s it has %s", m.Name(), member, cmp.Or(spelling.Meant(member, known), ":"), strings.Join(known, ", "))}
		}
		if !more {
			return explainField(b, f, width)
		}
		if f.IsMap() || f.Message() == nil || f.Message().ParentFile().Package() != m.ParentFile().Package() {
			return usageError{fmt.Errorf("%s.%s has no fields of its own", m.Name(), f.JSONName())}
		}
		m, rest = f.Message(), deeper
	}
}

func explainMessage(b *strings.Builder, m protoreflect.MessageDescriptor, width int) error {
	if err := paragraphs(b, m, "", width); err != nil {
		return err
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		fmt.Fprintf(b, "\n%s  %s\n", f.JSONName(), typeOf(f))
		if err := paragraphs(b, f, "    ", width); err != nil {
			return err
		}
	}
	return nil
}

func explainField(b *strings.Builder, f protoreflect.FieldDescriptor, width int) error {
	fmt.Fprintf(b, "%s.%s  %s\n", f.Parent().Name(), f.JSONName(), typeOf(f))
	if err := paragraphs(b, f, "    ", width); err != nil {
		return err
	}
	if f.Parent().Name() == "CampaignRequested" {
		fmt.Fprintf(b, "\n    in a file: %s: %s\n", f.JSONName(), strings.TrimPrefix(examples[f.JSONName()], "# "))
	}
	if e := f.Enum(); e != nil {
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			fmt.Fprintf(b, "\n    %s\n", v.Name())
			if err := paragraphs(b, v, "        ", width); err != nil {
				return err
			}
		}
	}
	if m := f.Message(); m != nil && !f.IsMap() && m.ParentFile().Package() == f.ParentFile().Package() {
		for i := range m.Fields().Len() {
			within := m.Fields().Get(i)
			fmt.Fprintf(b, "\n    %s.%s  %s\n", f.JSONName(), within.JSONName(), typeOf(within))
			if err := paragraphs(b, within, "        ", width); err != nil {
				return err
			}
		}
	}
	return nil
}

// paragraphs writes what the contract says, within a width.
func paragraphs(b *strings.Builder, d protoreflect.Descriptor, margin string, width int) error {
	about, err := contract.Comment(d)
	if err != nil {
		return err
	}
	for i, paragraph := range strings.Split(about, "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, line := range wrapped(paragraph, width-len(margin)) {
			b.WriteString(margin + line + "\n")
		}
	}
	return nil
}

// typeOf is the type of a field, in a word for people.
func typeOf(f protoreflect.FieldDescriptor) string {
	name := map[protoreflect.Kind]string{
		protoreflect.StringKind: "text", protoreflect.BytesKind: "bytes", protoreflect.BoolKind: "true or false",
	}[f.Kind()]
	switch {
	case f.IsMap():
		name = typeOf(f.MapValue()) + " by name"
	case f.Enum() != nil:
		name = "one word"
	case f.Message() != nil:
		name = map[protoreflect.FullName]string{"google.protobuf.Duration": "duration", "google.protobuf.Timestamp": "instant"}[f.Message().FullName()]
		if name == "" {
			name = string(f.Message().Name())
		}
	case name == "":
		name = "whole number"
	}
	if f.IsList() {
		name = "list of " + name
	}
	return name
}
