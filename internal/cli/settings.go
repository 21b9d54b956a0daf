package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/app"
)

// config is everything that can be set.
type config struct {
	app.Options
	LogLevel  string
	LogFormat string
	Web       webConfig
}

func defaults() config {
	return config{Options: app.Options{}.WithDefaults(), LogLevel: "info", LogFormat: "json", Web: webDefaults}
}

// A setting is one row of the table that drives flags, environment, file and
// `serve --check`.
type setting struct {
	app.Setting
	field func(c *config) any // *string, *int, *bool or *time.Duration
}

// flag is the setting's flag, without dashes: nats.url is --nats-url.
func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key) }

// env is its environment variable: nats.url is STAFFETTA_NATS_URL.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

const envPrefix = "STAFFETTA_"

// settings are those of the service, and those of the program alone.
var settings = append(ofService(),
	setting{
		Setting: app.Setting{Key: "log.level", Help: "debug, info, warn or error"},
		field:   func(c *config) any { return &c.LogLevel }},
	setting{
		Setting: app.Setting{Key: "log.format", Help: "json for machines, text for a terminal"},
		field:   func(c *config) any { return &c.LogFormat }},
)

// known are all settings: those of the service, and those of the page, which may stand in
// the same file.
func known() []setting { return slices.Concat(settings, webSettings) }

func ofService() (rows []setting) {
	for _, s := range app.Settings {
		rows = append(rows, setting{Setting: s, field: func(c *config) any { return s.Field(&c.Options) }})
	}
	return rows
}

// settingsOf are the rows whose key begins with one of the prefixes, for a command
// beside the service. None of those makes a stream of its own accord, so none says how
// often a stream is kept.
func settingsOf(prefixes ...string) []setting {
	var rows []setting
	for _, s := range settings {
		for _, p := range prefixes {
			if strings.HasPrefix(s.Key, p) && s.Key != "nats.replicas" {
				rows = append(rows, s)
				break
			}
		}
	}
	return rows
}

// maskUserinfo hides user, password and token in server URLs.
func maskUserinfo(urls string) string {
	parts := strings.Split(urls, ",")
	for i, u := range parts {
		scheme, rest, ok := strings.Cut(u, "://")
		if !ok {
			scheme, rest = "", u
		} else {
			scheme += "://"
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			parts[i] = scheme + "***" + rest[at:]
		}
	}
	return strings.Join(parts, ",")
}

// text is a field as people write it.
func text(field any) string {
	switch f := field.(type) {
	case *string:
		return *f
	case *int:
		return itoa(*f)
	case *bool:
		if *f {
			return "yes"
		}
		return "no"
	case *time.Duration:
		return shortDuration(*f)
	}
	panic("a setting's field is *string, *int, *bool or *time.Duration")
}
