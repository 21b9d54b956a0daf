package main

import (
	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// bare is the contract for protoc without the annotations of protovalidate, so that
// another language needs neither their file nor ten thousand lines of code made of it.
func bare() ([]byte, error) {
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	rules := string(validate.File_buf_validate_validate_proto.Path())
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] || f.Path() == rules {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor) // what a file needs stands before it
		}
		p := protodesc.ToFileDescriptorProto(f)
		var needs []string
		for _, name := range p.Dependency {
			if name != rules {
				needs = append(needs, name)
			}
		}
		p.Dependency = needs
		for _, m := range p.MessageType {
			strip(m)
		}
		set.File = append(set.File, p)
	}
	for _, name := range contractFiles() {
		f, err := protoregistry.GlobalFiles.FindFileByPath(name)
		if err != nil {
			return nil, err
		}
		add(f)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(set)
}

// strip takes the annotations off a message and what is inside.
func strip(m *descriptorpb.DescriptorProto) {
	if m.Options != nil {
		if proto.ClearExtension(m.Options, validate.E_Message); proto.Size(m.Options) == 0 {
			m.Options = nil
		}
	}
	for _, f := range m.Field {
		if f.Options == nil {
			continue
		}
		if proto.ClearExtension(f.Options, validate.E_Field); proto.Size(f.Options) == 0 {
			f.Options = nil
		}
	}
	for _, o := range m.OneofDecl {
		if o.Options == nil {
			continue
		}
		if proto.ClearExtension(o.Options, validate.E_Oneof); proto.Size(o.Options) == 0 {
			o.Options = nil
		}
	}
	for _, inside := range m.NestedType {
		strip(inside)
	}
}
