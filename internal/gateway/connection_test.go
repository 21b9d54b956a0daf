package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// put sends what is never sent twice.
func put(t *testing.T, tr *transport, ctx context.Context, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader("{}"))
	if err != nil {
		t.Error(err)
		return nil, err
	}
	return tr.RoundTrip(req)
}

// overPipes is a server that talks over pipes, so that time can be simulated, and says by
// what it has read that a connection has ended.
func overPipes(talk func(in *bufio.Reader, out net.Conn)) (dial func(context.Context, string, string) (net.Conn, error), ended chan error) {
	ended = make(chan error, 10)
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			in := bufio.NewReader(theirs)
			talk(in, theirs)
			_, err := in.ReadByte()
			ended <- err
		}()
		return ours, nil
	}, ended
}

// answer reads one request and writes an answer as it stands.
func answer(in *bufio.Reader, out net.Conn, text string) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	io.Copy(io.Discard, req.Body)
	io.WriteString(out, text)
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// A connection that the server has closed meanwhile is not written to: what is written
// there has no known outcome, and a confirm would have to be read back for minutes.
func TestAClosedConnectionIsNotUsed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan bool)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(bufio.NewReader(conn), conn, noContent)
			conn.Close()
			closed <- true
		}
	}()
	tr := newTransport(1, nil)
	defer tr.CloseIdleConnections()
	for range 3 {
		resp, err := put(t, tr, t.Context(), "http://"+l.Addr().String())
		if err != nil {
			t.Fatalf("on a connection that the server has closed: %v", err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		<-closed
	}
}

// Whoever closes a body late must not end the call that has the connection by then.
func TestALateCloseEndsNoOtherCall(t *testing.T) {
	t.Parallel()
	second, goOn := make(chan bool), make(chan bool)
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 2 {
			second <- true
			<-goOn
		}
	}))
	defer s.Close()
	tr := newTransport(1, nil)
	defer tr.CloseIdleConnections()
	first, err := put(t, tr, t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := put(t, tr, t.Context(), s.URL)
		done <- err
	}()
	<-second
	first.Body.Close()
	goOn <- true
	if err := <-done; err != nil {
		t.Errorf("the second call: %v", err)
	}
}

// There are never more connections than calls that may be under way; whoever waits for
// one gives up with its context.
func TestAsManyConnectionsAsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dial, _ := overPipes(func(in *bufio.Reader, _ net.Conn) {})
		tr := newTransport(1, nil)
		tr.dial = dial
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 4)
		for range 3 {
			go func() {
				_, err := put(t, tr, ctx, "http://gateway.test/")
				failed <- err
			}()
		}
		synctest.Wait()
		soon, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		if _, err := put(t, tr, soon, "http://gateway.test/"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the fourth: %v, want that it waits in vain", err)
		}
		cancel()
		for range 3 {
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("given up: %v", err)
			}
		}
	})
}

// Nobody keeps a connection for longer than servers do.
func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*transport){
		"TooLong":  func(*transport) { time.Sleep(2 * idleWithin) },
		"AtTheEnd": (*transport).CloseIdleConnections,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dial, ended := overPipes(func(in *bufio.Reader, out net.Conn) { answer(in, out, noContent) })
				tr := newTransport(1, nil)
				tr.dial = dial
				resp, err := put(t, tr, t.Context(), "http://gateway.test/")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(resp.Body); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				select {
				case err := <-ended:
					t.Fatalf("it was not kept: %v", err)
				default:
				}
				end(tr)
				if err := <-ended; !errors.Is(err, io.EOF) {
					t.Errorf("the server read %v", err)
				}
			})
		})
	}
}

// What a server may say, and what it may not.
func TestAnswersOnTheWire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		body string
		err  string // contained in it; empty: none
		kept bool   // the connection is
	}{
		"Length":       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", "", true},
		"Chunks":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}", "", true},
		"UntilTheEnd":  {"HTTP/1.0 200 OK\r\n\r\n{}", "{}", "", false},
		"NoMore":       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "{}", "", false},
		"TwoAnswers":   {noContent + noContent, "", "", false},
		"EarlyHints":   {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + noContent, "", "", true},
		"NoAnswer":     {"", "", "without an answer", false},
		"NoHTTP":       {"SSH-2.0-OpenSSH_9.9\r\n", "", "malformed HTTP", false},
		"EndlessHead":  {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead), "", "longer than 64 KiB", false},
		"EndlessHints": {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxHead/16), "", "longer than 64 KiB", false},
		"BrokenOff":    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "{}", "unexpected EOF", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dial, _ := overPipes(func(in *bufio.Reader, out net.Conn) {
					answer(in, out, tt.text)
					if !tt.kept {
						out.Close()
					}
				})
				tr := newTransport(1, nil)
				tr.dial = dial
				defer tr.CloseIdleConnections()
				var body []byte
				resp, err := put(t, tr, t.Context(), "http://gateway.test/")
				if err == nil {
					body, err = io.ReadAll(resp.Body)
				}
				if string(body) != tt.body {
					t.Errorf("read %q, want %q", body, tt.body)
				}
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				if kept := len(tr.idle["gateway.test:80"]) == 1; kept != tt.kept {
					t.Errorf("kept: %t, want %t", kept, tt.kept)
				}
				if len(tr.places) > 0 {
					t.Error("a place was not given back")
				}
			})
		})
	}
}

// Where a proxy stands before the gateway, it is asked.
func TestAProxyIsAsked(t *testing.T) {
	t.Parallel()
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		w.WriteHeader(http.StatusNoContent)
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	tr := newTransport(1, nil)
	tr.general.Proxy = http.ProxyURL(at)
	defer tr.CloseIdleConnections()
	resp, err := put(t, tr, t.Context(), "http://gateway.test/campaigns")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if asked != "http://gateway.test/campaigns" {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://gateway.test/":      "gateway.test:443",
		"http://gateway.test/":       "gateway.test:80",
		"https://gateway.test:8443/": "gateway.test:8443",
		"https://[::1]/":             "[::1]:443",
		"https://[::1]:8443/":        "[::1]:8443",
	} {
		if got := addressOf(httptest.NewRequest(http.MethodGet, raw, nil)); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}
