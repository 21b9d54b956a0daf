package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/staffetta-io/staffetta/internal/spelling"
)

// addSettings gives a command the flags of these settings, and --config.
func addSettings(flags *pflag.FlagSet, rows []setting) {
	flags.SortFlags = false // keeps them in the order of the table
	flags.String("config", "", "YAML file with settings (environment "+envPrefix+"CONFIG)")
	d := defaults()
	for _, s := range rows {
		flags.Var(&settingFlag{setting: s, text: text(s.field(&d))}, s.flag(), strings.ReplaceAll(s.Help, "`", "")) // pflag would take what is quoted for the name of the value
	}
}

// settingFlag is a setting as a flag. It is checked when it is parsed, and kept as text
// until all places are read.
type settingFlag struct {
	setting
	text string
}

func (f *settingFlag) String() string { return f.text }

func (f *settingFlag) Set(v string) error {
	f.text = v
	var scratch config
	return assign(f.field(&scratch), v)
}

func (f *settingFlag) Type() string {
	switch f.field(new(config)).(type) {
	case *int:
		return "number"
	case *bool:
		return "yes/no"
	case *time.Duration:
		return "duration"
	}
	return "text"
}

// resolved is the configuration, and where each setting came from.
type resolved struct {
	config
	origin map[string]string // by key: "flag --nats-url", "default" …
	notes  []string          // settings that have no effect
}

// said is the text of a setting, and the place that it came from.
type said struct{ text, place string }

// resolve reads flags over environment over file over defaults.
func resolve(flags *pflag.FlagSet, environ []string, rows []setting) (resolved, error) {
	r := resolved{config: defaults(), origin: map[string]string{}}
	fromEnv, err := readEnviron(environ, rows)
	if err != nil {
		return r, err
	}
	path, _ := flags.GetString("config")
	if path == "" {
		path = lookup(environ, envPrefix+"CONFIG")
	}
	given, err := readConfig(path)
	if err != nil {
		return r, err
	}
	maps.Copy(given, fromEnv)
	flags.Visit(func(f *pflag.Flag) {
		if s, ok := f.Value.(*settingFlag); ok {
			given[s.Key] = said{s.text, "flag --" + f.Name}
		}
	})

	var wrong []error
	d := defaults()
	for _, s := range rows {
		v, ok := given[s.Key]
		if !ok {
			r.origin[s.Key] = "default"
			continue
		}
		r.origin[s.Key] = v.place
		if err := assign(s.field(&r.config), v.text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s (%s): %w", s.Key, r.origin[s.Key], err))
		} else if zero(s.field(&r.config)) && !zero(s.field(&d)) {
			// The service would treat it as "not given", and run with the default.
			wrong = append(wrong, fmt.Errorf("%s (%s) is %s: leave it out for the default of %s, or give another value (%s)",
				s.Key, r.origin[s.Key], cmp.Or(text(s.field(&r.config)), "empty"), text(s.field(&d)), s.Help))
		}
	}
	if len(wrong) > 0 {
		return r, usageError{errors.Join(wrong...)}
	}
	return r, r.chooseServer()
}

// zero says that a field has its zero value, as if it was not given.
func zero(field any) bool { return reflect.ValueOf(field).Elem().IsZero() }

// chooseServer chooses between a URL and a context. The one that is given closer to the
// command wins. Both in one place is a mistake.
func (r *resolved) chooseServer() error {
	url, context := r.origin["nats.url"], r.origin["nats.context"]
	if url == "default" || context == "default" || url == "" || context == "" || r.NATS.Context == "" {
		return nil
	}
	rank := func(origin string) int {
		place, _, _ := strings.Cut(origin, " ")
		return slices.Index([]string{"flag", "environment", "file"}, place)
	}
	switch a, b := rank(url), rank(context); {
	case a == b:
		return usageError{fmt.Errorf("nats.url (%s) and nats.context (%s) are both set: keep one", url, context)}
	case a < b:
		r.NATS.Context = ""
		r.notes = append(r.notes, fmt.Sprintf("nats.context (%s) has no effect: nats.url (%s) comes first", context, url))
	default:
		r.notes = append(r.notes, fmt.Sprintf("nats.url (%s) has no effect: nats.context (%s) comes first", url, context))
	}
	return nil
}

// readEnviron reads the variables of these settings, and refuses those that look like
// one and are none.
func readEnviron(environ []string, rows []setting) (map[string]said, error) {
	given, wrong := map[string]said{}, []error{}
	byEnv, names := environment(rows)
	for _, e := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(e, "=")
		switch key := byEnv[name]; {
		case value == "":
		case key == "":
			if strings.HasPrefix(name, envPrefix) && !knownElsewhere(name) {
				wrong = append(wrong, fmt.Errorf("environment %s is no setting%s", name, meant(name, known(), setting.env)))
			}
		case name != names[key] && lookup(environ, names[key]) != "":
			// The variable with our own name is set too, and wins.
		default:
			given[key] = said{value, "environment " + name}
		}
	}
	if len(wrong) > 0 {
		return nil, usageError{errors.Join(wrong...)}
	}
	return given, nil
}

// readConfig reads a file and refuses what is not in the table: a misspelt setting that
// is silently ignored costs people an evening.
func readConfig(path string) (map[string]said, error) {
	given := map[string]said{}
	if path == "" {
		return given, nil
	}
	var all map[string]any
	raw, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(raw, &all)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("config file %s: %w", path, err)}
	}
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("config file %s: %w", path, fmt.Errorf(format, args...)))
	}
	var read func(prefix string, group map[string]any)
	read = func(prefix string, group map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(group)) {
			key, v := prefix+name, group[name]
			if inner, ok := v.(map[string]any); ok && len(inner) > 0 {
				read(key+".", inner)
				continue
			}
			if !slices.ContainsFunc(known(), func(s setting) bool { return s.Key == key }) {
				refuse("unknown setting %q%s", key, meant(key, known(), func(s setting) string { return s.Key }))
				continue
			}
			if _, twice := given[key]; twice {
				refuse("%s is there twice, once in its group and once by its whole name: keep one", key)
				continue
			}
			switch v.(type) {
			case string, int, int64, uint64, float64, bool:
				given[key] = said{fmt.Sprint(v), "file " + path}
			default:
				refuse("%s: want one value, not a list or a group", key)
			}
		}
	}
	read("", all)
	if len(wrong) > 0 {
		return nil, usageError{errors.Join(wrong...)}
	}
	return given, nil
}

// environment maps every variable's name to a key, and each key to our own
// name for it.
func environment(rows []setting) (byEnv, names map[string]string) {
	byEnv, names = map[string]string{}, map[string]string{}
	for _, s := range rows {
		byEnv[s.env()], names[s.Key] = s.Key, s.env()
		if s.Also != "" {
			byEnv[s.Also] = s.Key
		}
	}
	return byEnv, names
}

// knownElsewhere says that a variable is no mistake, although this command has no such
// setting. It belongs to another command or to deploy/compose.yaml, or it is one of
// those that Kubernetes and Docker set beside a service with the name staffetta.
func knownElsewhere(name string) bool {
	switch strings.TrimPrefix(name, envPrefix) {
	case "CONFIG", "IMAGE":
		return true
	}
	return linked.MatchString(name) || slices.ContainsFunc(known(), func(s setting) bool { return s.env() == name })
}

// linked is the name of a service's variable. PORT is also deploy/compose.yaml's.
var linked = regexp.MustCompile(`^` + envPrefix + `(([A-Z0-9_]+_)?SERVICE_(HOST|PORT(_.+)?)|([A-Z0-9_]+_)?PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)$`)

func lookup(environ []string, name string) string {
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// assign reads a value as people write it.
func assign(field any, v string) error {
	switch f := field.(type) {
	case *string:
		*f = v
	case *int:
		n, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", v)
		}
		*f = n
	case *bool:
		switch strings.ToLower(v) {
		case "yes", "true":
			*f = true
		case "no", "false":
			*f = false
		default:
			return fmt.Errorf("%q is neither yes nor no", v)
		}
	case *time.Duration:
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("%q is not a duration: write 500ms, 30s, 10m or 72h", v)
		}
		*f = d
	default:
		panic("a setting's field is *string, *int, *bool or *time.Duration")
	}
	return nil
}

// meant suggests the name that was probably meant, behind one that is wrong.
func meant(wrong string, rows []setting, name func(setting) string) string {
	known := make([]string, len(rows))
	for i, s := range rows {
		known[i] = name(s)
	}
	return spelling.Meant(wrong, known)
}
