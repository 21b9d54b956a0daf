package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// headLines are the headers that stand in the head of every request, in an order of their
// own.
var headLines = map[string]bool{"Host": true, "User-Agent": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true}

// writeRequest writes a request as net/http would, in fewer steps. It leaves to net/http
// whatever a call of ours does not have.
func writeRequest(out *bufio.Writer, req *http.Request) error {
	agent := req.Header["User-Agent"]
	if req.Close || req.ContentLength < 0 || len(req.TransferEncoding)+len(req.Trailer) > 0 || req.Method == http.MethodPatch ||
		(req.ContentLength == 0) != (req.Body == nil) || req.Host == "" || len(agent) != 1 || !plainWord(agent[0]) {
		return req.Write(out)
	}
	b := out.AvailableBuffer()
	for _, s := range [...]string{req.Method, " ", req.URL.RequestURI(), " HTTP/1.1\r\nHost: ", req.Host, "\r\nUser-Agent: ", agent[0], "\r\n"} {
		b = append(b, s...)
	}
	if req.Body != nil || req.Method == http.MethodPost || req.Method == http.MethodPut {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), req.ContentLength, 10), "\r\n"...)
	}
	if _, err := out.Write(b); err != nil {
		return err
	}
	if err := req.Header.WriteSubset(out, headLines); err != nil {
		return err
	}
	if _, err := out.WriteString("\r\n"); err != nil || req.Body == nil {
		return err
	}
	n, err := io.Copy(out, req.Body)
	if err == nil {
		err = req.Body.Close()
	}
	if err == nil && n != req.ContentLength {
		err = fmt.Errorf("the request's body has %d bytes, not %d as it says", n, req.ContentLength)
	}
	return err
}

// plainWord says that a value can be written as it is.
func plainWord(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return s != ""
}
