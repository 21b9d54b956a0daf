//go:build unix

package gateway

import (
	"errors"
	"net"
	"syscall"
)

// idleLook looks at a connection on which nothing is awaited. It is made once for each
// connection, and used before each call.
type idleLook struct {
	raw  syscall.RawConn // nil: the connection cannot be looked at
	peek func(fd uintptr) bool
	came error
	one  [1]byte
}

func lookAt(c net.Conn) *idleLook {
	l := &idleLook{}
	s, ok := c.(syscall.Conn)
	if !ok {
		return l
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return l
	}
	l.raw, l.peek = raw, func(fd uintptr) bool {
		_, _, l.came = syscall.Recvfrom(int(fd), l.one[:], syscall.MSG_PEEK)
		return true // the connection does not block
	}
	return l
}

// stands says that the connection has brought nothing: neither its end nor an answer that
// nobody asked for.
func (l *idleLook) stands() bool {
	if l.raw == nil {
		return true
	}
	err := l.raw.Read(l.peek)
	return err == nil && (errors.Is(l.came, syscall.EAGAIN) || errors.Is(l.came, syscall.EWOULDBLOCK))
}
