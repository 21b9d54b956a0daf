package web

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

var verb = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

// Every language says all that English says, with the same figures in it.
func TestEveryLanguageSaysEverything(t *testing.T) {
	t.Parallel()
	english := languages[0]
	for _, l := range languages[1:] {
		for name, text := range english.texts {
			other, ok := l.texts[name]
			if !ok {
				t.Errorf("%s has no %s", l.Code, name)
				continue
			}
			if a, b := verb.FindAllString(text, -1), verb.FindAllString(other, -1); !slices.Equal(a, b) {
				t.Errorf("%s: %s has %v, English %v", l.Code, name, b, a)
			}
		}
		for name := range l.texts {
			if _, ok := english.texts[name]; !ok {
				t.Errorf("%s has %s, which nobody says", l.Code, name)
			}
		}
		if n := len(strings.Fields(l.texts["months"])); n != 12 {
			t.Errorf("%s has %d months", l.Code, n)
		}
	}
}

// What the pages say is in the catalogue, and nothing else is.
func TestTheCatalogueIsWhatThePagesSay(t *testing.T) {
	t.Parallel()
	said := map[string]bool{"language": true, "months": true, "number.thousands": true, "number.decimal": true}
	for _, s := range append(slices.Clone(campaign.States), "open", "ended") {
		said["state."+string(s)] = true
	}
	for _, a := range acts {
		for _, suffix := range []string{"", ".does", ".does.early"} {
			said["act."+a.Name+suffix] = true
		}
	}
	text := regexp.MustCompile(`(?:\.T|v\.T|l\.text|\.N|v\.N)\(? ?"([a-z0-9.-]*[a-z0-9])"`)
	for _, file := range append(sourcesOf(t), pagesOf(t)...) {
		for _, m := range text.FindAllStringSubmatch(file, -1) {
			if strings.Contains(m[0], "N") {
				said[m[1]+".one"], said[m[1]+".many"] = true, true
				continue
			}
			said[m[1]] = true
		}
	}
	for _, tab := range (&visit{}).Tabs() {
		said[tab.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if _, ok := languages[0].texts[name]; !ok {
			t.Errorf("a page says %q, and no language has it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(languages[0].texts)) {
		if !said[name] {
			t.Errorf("no page says %q", name)
		}
	}
}
