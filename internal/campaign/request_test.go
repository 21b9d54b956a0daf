package campaign_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Every field of a request counts, and so does one that a later version adds. Two
// requests that differ in it alone are not the same, and the first one stands.
func TestDiffSeesEveryField(t *testing.T) {
	t.Parallel()
	var names []string
	eachField(t, reflect.TypeFor[campaign.Request](), nil, func(path []int, name string) {
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changed campaign.Request
			change(t, reflect.ValueOf(&changed).Elem().FieldByIndex(path))
			if got := (campaign.Request{}).Diff(changed); len(got) != 1 {
				t.Errorf("two that differ in %s differ in %q", name, got)
			}
			if got := changed.Diff(campaign.Request{}); len(got) != 1 {
				t.Errorf("the other way round they differ in %q", got)
			}
			if got := changed.Diff(changed); len(got) != 0 {
				t.Errorf("one differs from itself in %q", got)
			}
		})
	})
	if !slices.Contains(names, "Text") || !slices.Contains(names, "Limits.MaxTotal") {
		t.Errorf("only %q were looked at", names)
	}
}

// eachField visits the fields that have a meaning, and those inside our own structs.
func eachField(t *testing.T, of reflect.Type, path []int, visit func(path []int, name string)) {
	t.Helper()
	for i := range of.NumField() {
		field := of.Field(i)
		here := append(slices.Clone(path), i)
		if field.Type == reflect.TypeFor[campaign.Limits]() {
			eachField(t, field.Type, here, func(path []int, name string) { visit(path, field.Name+"."+name) })
			continue
		}
		visit(here, field.Name)
	}
}

// change gives a field a value that is not its zero.
func change(t *testing.T, field reflect.Value) {
	t.Helper()
	var value any
	switch field.Interface().(type) {
	case *campaign.Audience:
		value = &campaign.Audience{Digest: "changed"}
	case time.Time:
		value = friday
	case campaign.Money:
		value = campaign.Money{Amount: decimal.New(1, 0), Currency: "EUR"}
	case map[string]string:
		value = map[string]string{"x": "x"}
	default:
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Int, reflect.Int64:
			field.SetInt(1)
		case reflect.Bool:
			field.SetBool(true)
		default:
			t.Fatalf("say here what a changed %s is", field.Type())
		}
		return
	}
	field.Set(reflect.ValueOf(value))
}
