package simulate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/test/simulate"
)

var (
	histories = flag.Int("histories", 30_000, "how many histories to live")
	first     = flag.Uint64("seed", 1, "the seed of the first of them; the others follow")
	keep      = flag.Bool("keep", false, "keep the shrunk tape of a history that goes wrong in testdata/seeds")
)

// A bubble's clock ends after 290 years, and a history may take a month.
const perBubble = 1000

// TestSimulation lives histories: seed 1, 2, 3 … With -histories and -seed it
// lives more, and others. A history that goes wrong is shrunk and told.
func TestSimulation(t *testing.T) { liveAll(t, simulate.Options{}, *histories) }

// liveAll lives so many histories on all processors, and says what they came to.
func liveAll(t *testing.T, o simulate.Options, many int) {
	// A small heap is collected all the time.
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	var next atomic.Int64
	var mu sync.Mutex
	var census simulate.Totals // guarded by mu
	began := time.Now()
	t.Run("Histories", func(t *testing.T) {
		for n := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("Processor", n+1), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					from := int(next.Add(perBubble)) - perBubble
					if from >= many {
						break
					}
					lived := live(t, o, from, min(from+perBubble, many))
					mu.Lock()
					census.Add(lived)
					mu.Unlock()
				}
				next.Store(int64(many)) // whoever fails stops the others
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d histories in %s, %.0f µs each on %d processors\n%v", census.Histories, took.Round(time.Millisecond),
		float64(took.Microseconds())/float64(census.Histories), runtime.GOMAXPROCS(0), census)
}

func live(t *testing.T, o simulate.Options, from, to int) (census simulate.Totals) {
	synctest.Test(t, func(t *testing.T) {
		w := simulate.NewWorld(o)
		defer w.Close()
		for n := from; n < to; n++ {
			if v := w.Run(*first + uint64(n)); v != nil {
				report(t, w, *first+uint64(n), v)
				break
			}
		}
		census = w.Totals()
	})
	return census
}

// report writes down a history that went wrong, as simply as it can be.
func report(t *testing.T, w *simulate.World, seed uint64, v *simulate.Violation) {
	v = w.Shrink(v)
	story, _ := w.Transcribe(v.Tape)
	t.Errorf("seed %d: %v\n%stape: %s", seed, v, story, simulate.Text(v.Tape))
	if *keep {
		write(t, filepath.Join(seeds, fmt.Sprintf("%s-%d.txt", strings.ReplaceAll(v.Kind, " ", "-"), seed)), story, v.Tape)
	}
}

// seeds is the folder of the histories that once went wrong.
var seeds = filepath.Join("testdata", "seeds")

// write keeps a tape under its story.
func write(t *testing.T, file, story string, tape []uint16) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(commented(story)+simulate.Text(tape)+"\n"), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

func commented(story string) string {
	var b strings.Builder
	for line := range strings.Lines(story) {
		b.WriteString("# " + line)
	}
	return b.String()
}

// TestSeeds lives again what once went wrong, or does if one line is missing: the
// comment of each file says which, and tells the story as it was then.
func TestSeeds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(seeds, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d seeds in %s: %v", len(files), seeds, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			tape := read(t, file)
			synctest.Test(t, func(t *testing.T) {
				w := simulate.NewWorld(simulate.Options{})
				defer w.Close()
				if story, v := w.Transcribe(tape); v != nil {
					t.Errorf("%v\n%s", v, story)
				}
			})
		})
	}
}

// What -keep writes is what TestSeeds lives again, also if it is the first.
func TestAKeptTapeIsReadAgain(t *testing.T) {
	t.Parallel()
	file, kept := filepath.Join(t.TempDir(), "seeds", "twice-1.txt"), []uint16{0, 3, 0, 7}
	write(t, file, "A confirms\nB confirms\n", kept)
	if tape := read(t, file); !slices.Equal(tape, kept) {
		t.Errorf("kept %v, read %v", kept, tape)
	}
}

func read(t *testing.T, file string) []uint16 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tape []uint16
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		choices, err := simulate.ParseText(line)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		tape = append(tape, choices...)
	}
	return tape
}
