package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// sealer signs what a browser keeps for the page, so that the page itself keeps nothing.
// It is signed and not hidden: there is nothing in it that the person does not know.
type sealer struct{ key []byte }

var errSeal = errors.New("the cookie is not of this page")

// write puts a value into a cookie.
func (s sealer) write(w http.ResponseWriter, name string, value any, lasts time.Duration) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	body := base64.RawURLEncoding.EncodeToString(data)
	http.SetCookie(w, &http.Cookie{Name: name, Value: body + "." + s.sign(name, body), Path: "/", MaxAge: int(lasts.Seconds()), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

// read takes it out again, if this page wrote it under this name.
func (s sealer) read(r *http.Request, name string, value any) error {
	c, err := r.Cookie(name)
	if err != nil {
		return err
	}
	body, sign, _ := strings.Cut(c.Value, ".")
	if !hmac.Equal([]byte(sign), []byte(s.sign(name, body))) {
		return errSeal
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return errSeal
	}
	return json.Unmarshal(data, value)
}

// sign covers the cookie's name: one of a sign-in is no session.
func (s sealer) sign(name, body string) string {
	sum := hmac.New(sha256.New, s.key)
	sum.Write([]byte(name + "." + body))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

// forget takes a cookie away.
func forget(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// ownPath is a path of this page; //elsewhere and /\elsewhere are other hosts to a browser.
func ownPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.HasPrefix(path, `/\`) {
		return "/"
	}
	return path
}
