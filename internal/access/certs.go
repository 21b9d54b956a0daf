package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Certs is what the NATS servers show, and what all clients trust, in PEM.
type Certs struct {
	CA   []byte // for the clients
	Cert []byte // of the servers
	Key  []byte // the servers' secret
}

// certsLast is how long the certificates are valid: so long that no one is called at
// night because they expire.
const certsLast = 10 * 365 * 24 * time.Hour

// NewCerts makes an authority and one certificate by it, for servers of these names and
// addresses. The authority's key is thrown away, so it can sign no other certificate.
func NewCerts(hosts []string, now time.Time) (c Certs, err error) {
	if len(hosts) == 0 {
		return c, errors.New("no host: want the names and addresses by which NATS is reached")
	}
	authority := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "staffetta NATS authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certsLast),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "staffetta NATS"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature,
		// Servers of a cluster are each other's clients.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, h)
		}
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, signer.Public(), signer)
	if err != nil {
		return c, fmt.Errorf("make the authority: %w", err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), signer)
	if err != nil {
		return c, fmt.Errorf("make the certificate for %q: %w", hosts, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	return Certs{CA: asPEM("CERTIFICATE", ca), Cert: asPEM("CERTIFICATE", cert), Key: asPEM("PRIVATE KEY", secret)}, nil
}

// serial is a number that no other certificate has.
func serial() *big.Int {
	var n [16]byte
	rand.Read(n[:]) // it never fails
	return new(big.Int).SetBytes(n[:])
}

func asPEM(kind string, der []byte) []byte {
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: kind, Bytes: der}) // to memory
	return out.Bytes()
}
