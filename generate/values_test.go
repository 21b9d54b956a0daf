package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
)

// filled is a value of a type in which nothing is zero.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch v.Interface().(type) {
	case time.Time:
		return reflect.ValueOf(time.Date(2026, 11, 27, 9, 0, 0, 1, time.UTC))
	case json.RawMessage:
		return reflect.ValueOf(json.RawMessage(`{"x":[1]}`))
	case decimal.Decimal:
		return reflect.ValueOf(decimal.RequireFromString("344.09"))
	case decimal.NullDecimal:
		return reflect.ValueOf(decimal.NewNullDecimal(decimal.RequireFromString("97.06")))
	}
	switch t.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(filled(t.Elem()))
	case reflect.Slice:
		v.Set(reflect.Append(v, filled(t.Elem())))
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(filled(t.Key()), filled(t.Elem()))
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				v.Field(i).Set(filled(t.Field(i).Type))
			}
		}
	}
	return v
}

// Every answer fits its schema, whether nothing is in it or everything that can be.
func TestAnswersFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, q := range query.Questions() {
		schema := compiled(t, "staffetta.query."+q.Verb+".answer.json")
		for name, answer := range map[string]reflect.Value{"empty": reflect.New(q.Answer).Elem(), "full": filled(q.Answer)} {
			data, err := json.Marshal(answer.Interface())
			if err != nil {
				t.Fatal(err)
			}
			if err := fits(t, schema, data); err != nil {
				t.Errorf("%s, %s: %v\n%s", q.Verb, name, err, data)
			}
		}
	}
	data, err := json.Marshal(map[string]any{"error": query.Error{Code: query.BadQuestion, Field: "key", Text: "want a key"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fits(t, compiled(t, "query.error.json"), data); err != nil {
		t.Error(err)
	}
}

// A question with a field that no service knows, or of another type, is refused by its
// schema too; one with all of its fields is not.
func TestQuestionsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for _, q := range query.Questions() {
		schema := compiled(t, "staffetta.query."+q.Verb+".question.json")
		asked := filled(q.Asked)
		for name, words := range map[string][]string{"States": {"open"}, "Reasons": {"expired"}} {
			if f := asked.FieldByName(name); f.IsValid() {
				f.Set(reflect.ValueOf(words))
			}
		}
		data, err := json.Marshal(asked.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if err := fits(t, schema, data); err != nil {
			t.Errorf("%s: %v", q.Verb, err)
		}
		fields := map[string]any{}
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		fields["misspelt"] = 1
		if data, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		if err := fits(t, schema, data); err == nil || !strings.Contains(err.Error(), "misspelt") {
			t.Errorf("%s: a misspelt field passes: %v", q.Verb, err)
		}
	}
	list := compiled(t, "staffetta.query.list.question.json")
	for _, wrong := range []string{`{"states":["sleeping"]}`, `{"states":"open"}`, `{"limit":"10"}`, `{"older_than":"a while"}`, `{"since":"yesterday"}`} {
		if fits(t, list, []byte(wrong)) == nil {
			t.Errorf("list: %s passes", wrong)
		}
	}
}

// The schema of a command accepts and refuses what the service does, where the server
// proves who gives it.
func TestACommandIsJudgedAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	whole := map[string]json.RawMessage{"by": []byte(`"anna"`), "why": []byte(`"wrong price"`), "sent": []byte(`true`), "quote_id": []byte(`"0123456789abcdef"`),
		"n": []byte(`1`), "people": []byte(`"` + strings.Repeat("ab", 32) + `"`), "size": []byte(`80`), "phones": []byte(`2`)}
	for _, verb := range contract.Verbs() {
		schema := compiled(t, "command."+verb+".json")
		judge := func(what string, fields map[string]json.RawMessage) (accepted bool) {
			data, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			_, service := contract.ReadCommand("campaign.v1.command.shop-italia.bf."+verb+".anna", nil, data, true)
			if said := fits(t, schema, data); (said == nil) != (service == nil) {
				t.Errorf("%s, %s: the service says %v, the schema says %v", verb, what, service, said)
			}
			return service == nil
		}
		if !judge("whole", whole) {
			t.Errorf("%s: the whole command is refused", verb)
		}
		for name := range whole {
			for _, value := range append([]string{""}, strange...) {
				fields := map[string]json.RawMessage{}
				for n, v := range whole {
					if n != name {
						fields[n] = v
					}
				}
				if value != "" {
					fields[name] = json.RawMessage(value)
				}
				judge(fmt.Sprintf("%s: %.60s", name, value), fields)
			}
		}
	}
}
