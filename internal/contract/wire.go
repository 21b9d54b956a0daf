package contract

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// readProtobuf reads a request in protobuf. The error is a *Fault, in our own
// words.
func readProtobuf(data []byte, m *campaignv1.CampaignRequested) error {
	if proto.Unmarshal(data, m) == nil {
		return nil
	}
	message := m.ProtoReflect().Descriptor()
	if field := notUTF8(data, message); field != "" {
		return &Fault{field, "it is not UTF-8, as protobuf's texts must be; it may be Latin-1 or Windows-1252"}
	}
	note := fmt.Sprintf("not a %s", message.FullName())
	if frame := framed(data); frame != "" {
		note += "; " + frame
	}
	return &Fault{Note: note}
}

// notUTF8 is the path of the first text field that is not UTF-8; empty if there
// is none.
func notUTF8(data []byte, m protoreflect.MessageDescriptor) string {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return ""
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return ""
		}
		field := m.Fields().ByNumber(number)
		if field != nil && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(data)
			if field.Kind() == protoreflect.StringKind && !utf8.Valid(value) {
				return string(field.Name())
			}
			if field.Message() != nil {
				if inside := notUTF8(value, field.Message()); inside != "" {
					return string(field.Name()) + "." + inside
				}
			}
		}
		data = data[n:]
	}
	return ""
}

// framed recognises a request in something else, and says what to take off.
func framed(data []byte) string {
	isRequest := func(data []byte) bool {
		var m campaignv1.CampaignRequested
		return len(data) > 0 && proto.Unmarshal(data, &m) == nil && m.Source != ""
	}
	if text := bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark)); len(text) > 0 && text[0] == '{' {
		return "it looks like JSON: add the header content-type: application/json"
	}
	if length, n := protowire.ConsumeVarint(data); n > 0 && length == uint64(len(data)-n) && isRequest(data[n:]) {
		return "its length stands before it: send the message alone"
	}
	const schema = 5 // a zero, and the number of a schema; then come indexes of a message
	if len(data) > schema && data[0] == 0 {
		for n := schema; n < min(len(data), schema+3); n++ {
			if isRequest(data[n:]) {
				return "the frame of a schema registry stands before it: send the message alone"
			}
		}
	}
	if decoded, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(data))); err == nil && isRequest(decoded) {
		return "it is base64: send the bytes themselves"
	}
	return ""
}
