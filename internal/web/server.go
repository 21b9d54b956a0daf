package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/client"
)

// Options say what the page needs.
type Options struct {
	Client *client.Client // whose user tells campaigns what people say
	SignIn SignIn         // who looks; nil: nobody signs in, and only this machine may look
	// Deciders are the names of those who may press buttons; none: everybody who signs in.
	Deciders []string
	Log      *slog.Logger
}

// Server answers browsers.
type Server struct {
	Options
	service service
	live    *live
	mux     *http.ServeMux
	handler http.Handler
}

//go:embed static
var staticFiles embed.FS

// New makes a server. It hears of changes from the moment at which Run runs.
func New(o Options) *Server {
	s := &Server{Options: o, service: service{o.Client.FromService()}, live: newLive(), mux: http.NewServeMux()}
	if s.SignIn == nil {
		s.SignIn = nobody{}
	}
	s.page("GET /{$}", s.inbox)
	s.page("GET /campaigns", s.campaigns)
	s.page("GET /campaigns/{key}", s.campaign)
	s.page("GET /campaigns/{key}/{act}", s.deciding(s.considerAct))
	s.page("POST /campaigns/{key}/{act}", s.deciding(s.carryOutAct))
	s.page("GET /calendar", s.calendar)
	s.page("GET /money", s.money)
	s.mux.HandleFunc("GET /money.csv", s.ledger)
	s.page("GET /schedules", s.schedules)
	s.page("GET /schedules/{key}/{what}", s.deciding(s.considerSchedule))
	s.page("POST /schedules/{key}/{what}", s.deciding(s.changeSchedule))
	s.page("GET /letters", s.letters)
	s.page("GET /letters/{id}", s.letter)
	s.page("POST /letters/{id}/replay", s.deciding(s.replay))
	s.page("GET /health", s.health)
	s.page("GET /button/{what}", s.deciding(s.considerButton))
	s.page("POST /button/{what}", s.deciding(s.pressButton))
	s.page("GET /ask", s.deciding(s.ask))
	s.page("POST /ask", s.deciding(s.askFor))
	s.page("GET /ask/text", s.preview)
	s.page("GET /", s.nothing)
	s.mux.HandleFunc("GET /live", s.follow)
	s.mux.HandleFunc("GET /language/{name}", s.chooseLanguage)
	s.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	s.mux.HandleFunc("GET /static/{version}/{name}", static)
	s.SignIn.Routes(s.mux)
	// A form of another site is refused by what the browser says of it. So no page needs
	// a secret of its own, and every replica can take every form.
	s.handler = headers(s.ours(http.NewCrossOriginProtection().Handler(s.mux)))
	return s
}

// Run hears of changes until ctx ends.
func (s *Server) Run(ctx context.Context) { s.live.run(ctx, s.Client, s.Log) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// headers are on every answer. Nothing is loaded but from here, nothing inline is run, no
// other page may show this one in a frame, and none is told which campaign was looked at.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// ours refuses a request under a foreign name where nobody signs in: a site whose name
// leads to this machine would otherwise be taken for the page itself.
func (s *Server) ours(next http.Handler) http.Handler {
	if _, open := s.SignIn.(nobody); !open {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "nobody signs in here, so this page answers to localhost and 127.0.0.1 alone", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// askedWithin is how long a page may take.
const askedWithin = 15 * time.Second

// page serves what answer makes: rendered whole before the first byte is written, so
// that an error is a page of its own and never the torso of one.
func (s *Server) page(pattern string, answer func(*visit) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visitOf(w, r)
		if err != nil {
			s.SignIn.Refuse(w, r, err)
			return
		}
		ctx, done := context.WithTimeout(r.Context(), askedWithin)
		defer done()
		v.ctx = ctx
		if err := answer(v); err != nil {
			s.wrong(v, err)
		}
		if v.body.Len() == 0 {
			return // it was sent elsewhere
		}
		sum := sha256.Sum256(v.body.Bytes())
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Language", v.lang.Code)
		// A page that looks again learns in a few bytes that nothing has changed.
		if w.Header().Set("ETag", tag); v.status == http.StatusOK && r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(v.status)
		//lint:ignore errcheck whoever asked has hung up
		v.body.WriteTo(w)
	})
}

// static answers with a file that is in the program. Its address changes when its content
// does, so a browser may keep it for ever.
func static(w http.ResponseWriter, r *http.Request) {
	data, err := fs.ReadFile(staticFiles, path.Join("static", r.PathValue("name")))
	if err != nil || r.PathValue("version") != version {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, r.PathValue("name"), time.Time{}, bytes.NewReader(data))
}

// version stands for the content of all files.
var version = func() string {
	sum := sha256.New()
	err := fs.WalkDir(staticFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := staticFiles.ReadFile(name)
		sum.Write(data)
		return err
	})
	if err != nil {
		panic(err) // they are in the program
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}()
