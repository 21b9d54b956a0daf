package cli

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// addSettings gives a command the flags of these settings, and --config.
func addSettings(flags *pflag.FlagSet, rows []setting) {
	flags.SortFlags = false // in the order of the table
	flags.String("config", "", "YAML file with settings (environment "+envPrefix+"CONFIG)")
	d := defaults()
	for _, s := range rows {
		flags.Var(&settingFlag{setting: s, text: text(s.field(&d))}, s.flag(), s.help)
	}
}

// settingFlag is a setting as a flag: it is checked when it is typed, and kept
// as text until all places were read.
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
	notes  []string          // what was set and has no effect
}

// resolve reads flags over environment over file over defaults.
func resolve(flags *pflag.FlagSet, environ []string, rows []setting) (resolved, error) {
	r := resolved{config: defaults(), origin: map[string]string{}}

	fromFlags := koanf.New(".")
	byFlag := map[string]setting{}
	for _, s := range rows {
		byFlag[s.flag()] = s
	}
	err := fromFlags.Load(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		return byFlag[f.Name].key, f.Value.String()
	}), nil)
	if err != nil {
		return r, err
	}

	fromEnv := koanf.New(".")
	byEnv, names := environment(rows)
	unknown := []string{}
	err = fromEnv.Load(env.Provider(".", env.Opt{
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key := byEnv[name]
			if key == "" && value != "" && strings.HasPrefix(name, envPrefix) && !knownElsewhere(name) {
				unknown = append(unknown, name)
			}
			if key == "" || value == "" {
				return "", nil
			}
			if name != names[key] && slices.ContainsFunc(environ, func(e string) bool {
				v, ok := strings.CutPrefix(e, names[key]+"=")
				return ok && v != ""
			}) {
				return "", nil // our own name is set too, and wins
			}
			r.origin[key] = "environment " + name
			return key, value
		},
	}), nil)
	if err != nil {
		return r, err
	}
	slices.Sort(unknown)
	var misspelt []error
	for _, name := range unknown {
		misspelt = append(misspelt, fmt.Errorf("environment %s is no setting%s", name, nearest(name, settings, setting.env)))
	}
	if len(misspelt) > 0 {
		return r, usageError{errors.Join(misspelt...)}
	}

	path, _ := flags.GetString("config")
	if path == "" {
		path = lookup(environ, envPrefix+"CONFIG")
	}
	fromFile, err := readConfig(path)
	if err != nil {
		return r, err
	}

	var wrong []error
	d := defaults()
	for _, s := range rows {
		var v any
		switch {
		case fromFlags.Exists(s.key):
			v, r.origin[s.key] = fromFlags.Get(s.key), "flag --"+s.flag()
		case fromEnv.Exists(s.key):
			v = fromEnv.Get(s.key)
		case fromFile.Exists(s.key):
			v, r.origin[s.key] = fromFile.Get(s.key), "file "+path
		default:
			r.origin[s.key] = "default"
			continue
		}
		if err := assign(s.field(&r.config), fmt.Sprint(v)); err != nil {
			wrong = append(wrong, fmt.Errorf("%s (%s): %w", s.key, r.origin[s.key], err))
		} else if zero(s.field(&r.config)) && !zero(s.field(&d)) {
			// The service would take it for "not given", and run with the default.
			wrong = append(wrong, fmt.Errorf("%s (%s) is %s: leave it out for the default of %s, or give another value (%s)",
				s.key, r.origin[s.key], cmp.Or(text(s.field(&r.config)), "empty"), text(s.field(&d)), s.help))
		}
	}
	if len(wrong) > 0 {
		return r, usageError{errors.Join(wrong...)}
	}
	return r, r.chooseServer()
}

// zero says that a field is as if it had not been given.
func zero(field any) bool { return reflect.ValueOf(field).Elem().IsZero() }

// chooseServer settles between a URL and a context: the one said closer to
// the command wins, and both in one place is a mistake.
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

// readConfig reads a file and refuses what is not in the table: a misspelt
// setting that is silently ignored costs somebody an evening.
func readConfig(path string) (*koanf.Koanf, error) {
	k := koanf.New(".")
	if path == "" {
		return k, nil
	}
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, usageError{fmt.Errorf("config file %s: %w", path, err)}
	}
	var wrong []error
	for _, key := range k.Keys() {
		if !slices.ContainsFunc(settings, func(s setting) bool { return s.key == key }) {
			wrong = append(wrong, fmt.Errorf("config file %s: unknown setting %q%s", path, key, nearest(key, settings, func(s setting) string { return s.key })))
			continue
		}
		switch k.Get(key).(type) {
		case string, int, int64, float64, bool:
		default:
			wrong = append(wrong, fmt.Errorf("config file %s: %s: want one value, not a list or a group", path, key))
		}
	}
	if len(wrong) > 0 {
		return nil, usageError{errors.Join(wrong...)}
	}
	return k, nil
}

// environment maps every variable's name to a key, and each key to our own
// name for it.
func environment(rows []setting) (byEnv, names map[string]string) {
	byEnv, names = map[string]string{}, map[string]string{}
	for _, s := range rows {
		byEnv[s.env()], names[s.key] = s.key, s.env()
		if s.also != "" {
			byEnv[s.also] = s.key
		}
	}
	return byEnv, names
}

// knownElsewhere says that a variable is no mistake although this command has no
// such setting: it is another command's, deploy/compose.yaml's, or one of those that
// Kubernetes and Docker set beside a service that is called staffetta.
func knownElsewhere(name string) bool {
	switch strings.TrimPrefix(name, envPrefix) {
	case "CONFIG", "IMAGE":
		return true
	}
	return linked.MatchString(name) || slices.ContainsFunc(settings, func(s setting) bool { return s.env() == name })
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

// nearest suggests the name that was probably meant.
func nearest(wrong string, rows []setting, name func(setting) string) string {
	best, least := "", len(wrong)/2+1
	for _, s := range rows {
		if d := distance(wrong, name(s)); d < least {
			best, least = name(s), d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance is how many letters must be changed, added or dropped (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
