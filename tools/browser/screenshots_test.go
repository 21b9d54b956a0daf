package browser

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var (
	screenshots = flag.String("screenshots", "", "folder for pictures of each page; empty: none are taken")
	only        = flag.String("only", "", "with -screenshots, the one page that is taken")
)

// look is how somebody looks at a page.
type look struct {
	name   string
	width  int64
	scheme string
}

var looks = []look{{"light", 1200, "light"}, {"dark", 1200, "dark"}, {"narrow", 360, "light"}}

// The pictures of docs/screenshots: each page, light, dark and on a phone.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("skipped: it takes pictures of each page; run make screenshots")
	}
	h := open(t, "--policy", "demo", "--speed", "60")
	h.lives()
	for _, l := range looks {
		for name, at := range shots {
			if *only != "" && name != *only {
				continue
			}
			h.takes(l, name, at)
		}
	}
}

// shots are the pages, and what has to be on each before its picture is taken.
var shots = map[string][2]string{
	"inbox":     {"/", "Black Friday 2026"},
	"campaigns": {"/campaigns", "moved last"},
	"campaign":  {"/campaigns/shop-italia.newsletter-11", "Delivery"},
	"approve":   {"/campaigns/shop-italia.black-friday-2026/approve", "You agree"},
	"money":     {"/money", "Month by month"},
	"calendar":  {"/calendar", "by a schedule"},
	"schedules": {"/schedules", "monday-reminder"},
	"letters":   {"/letters", "not_json"},
	"letter":    {"/letters/1", "What it says"},
	"health":    {"/health", "ready"},
	"ask":       {"/ask", "Ask for a campaign"},
}

// lives is a morning: campaigns that were sent, are being sent, and wait.
func (h *house) lives() {
	h.Helper()
	h.staffetta("budget", "set", "shop-italia", "--day", "1000", "--month", "5000", "--zone", "Europe/Rome", "--by", "carla")
	h.staffetta("budget", "set", "--account", "--month", "20000", "--zone", "Europe/Rome", "--by", "carla")
	h.goTo("/")
	h.repeats()
	h.publishes("shop-italia.saldi", "{")
	h.asks(map[string]any{"requestId": "natale", "name": "Auguri di Natale", "text": "Buone feste da ShopItalia!", "immediately": nil, "at": time.Now().AddDate(0, 0, 9).UTC().Format(time.RFC3339)})
	h.asks(map[string]any{"requestId": "prova-generale", "name": "Prova generale", "text": "Prova: auguri da ShopItalia, a presto in negozio!", "simulation": true})
	h.asks(map[string]any{"requestId": "newsletter-11", "name": "Newsletter di novembre", "text": "Nuovi arrivi d'autunno in negozio e su shop.example.it/autunno", "labels": map[string]string{"team": "crm"}})
	h.asks(map[string]any{"source": "acqualuce-billing", "requestId": "bolletta-11", "name": "Scadenza bolletta", "sender": "AcquaLuce", "text": "Gentile cliente, la bolletta scade il 30/11. Info: acqualuce.example.it"})
	h.goTo("/")
	h.sees("Newsletter di novembre", "Scadenza bolletta")
	for _, key := range []string{"shop-italia.newsletter-11", "acqualuce-billing.bolletta-11", "shop-italia.natale"} {
		h.goTo("/campaigns/" + key + "/approve")
		h.types("by", "anna")
		h.clicks("Approve")
		h.sees("Approve: approved")
	}
	h.asks(map[string]any{"requestId": "black-friday-2026", "labels": map[string]string{"team": "crm", "product": "all"}})
	h.goTo("/campaigns/shop-italia.newsletter-11")
	h.sees("Delivery")
}

// takes takes a picture of a whole page.
func (h *house) takes(l look, name string, at [2]string) {
	h.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}}
	if err := chromedp.Do(h.ctx, chromedp.EmulateViewport(l.width, 800), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Rome"})
		}
		return chromedp.Void{}, err
	}); err != nil {
		h.Fatal(err)
	}
	h.goTo(at[0])
	h.sees(at[1], "Europe/Rome")
	got, err := chromedp.Call(h.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
	if err != nil {
		h.Fatal(err)
	}
	h.keeps(filepath.Join(*screenshots, name+"-"+l.name+".png"), got.Data)
}

// colours are as many as a picture has, so that the repository stays small.
const colours = 256

// keeps writes a picture with the colours that it has most of: a page has few, and many
// shades at the edges of letters.
func (h *house) keeps(file string, data []byte) {
	h.Helper()
	whole, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		h.Fatal(err)
	}
	often := map[color.Color]int{}
	b := whole.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			often[whole.At(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] })
	few := image.NewPaletted(b, color.Palette(all[:min(len(all), colours)]))
	nearest := map[color.Color]uint8{}
	for _, c := range all {
		nearest[c] = uint8(few.Palette.Index(c))
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			few.SetColorIndex(x, y, nearest[whole.At(x, y)])
		}
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, few); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(file, small.Bytes(), 0o644); err != nil {
		h.Fatal(err)
	}
}
