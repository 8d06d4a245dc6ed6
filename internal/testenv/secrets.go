package testenv

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The users of the secured listeners, known to PLAIN and both SCRAM mechanisms. Under ACLs Admin may do everything, the
// others what rules allow.
const (
	Admin         = "admin"
	AdminPassword = "admin-password"
	Alice         = "alice"
	AlicePassword = "alice-password"
	Bob           = "bob"
	BobPassword   = "bob-password"
	// CertUser is the principal's name, after "User:", of the certificate of ClientCert.
	CertUser = "CN=carol"
)

var users = []struct{ name, password string }{{Admin, AdminPassword}, {Alice, AlicePassword}, {Bob, BobPassword}}

// scramArgs makes the users known to SCRAM when the storage is formatted.
func scramArgs() []string {
	var args []string
	for _, u := range users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, u.name, u.password))
		}
	}
	return args
}

// SASLPlain is every node's address for SASL without TLS: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER. It is
// empty without Config.Secure.
func (c *Cluster) SASLPlain() []string { return c.secured(saslPlain) }

// SASLTLS is every node's address for the same mechanisms over TLS.
func (c *Cluster) SASLTLS() []string { return c.secured(saslTLS) }

// MTLS is every node's address for TLS with the client's certificate.
func (c *Cluster) MTLS() []string { return c.secured(mutualTLS) }

func (c *Cluster) secured(k kind) []string {
	if c.secrets == nil {
		return nil
	}
	return c.addresses(k)
}

// CA holds the authority that signed the brokers' certificates; nil without Config.Secure.
func (c *Cluster) CA() *x509.CertPool {
	if c.secrets == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.secrets.ca)
	return pool
}

// CAPEM is the certificate of the authority; nil without Config.Secure.
func (c *Cluster) CAPEM() []byte {
	if c.secrets == nil {
		return nil
	}
	return bytes.Clone(c.secrets.ca)
}

// ClientCert is a certificate for MTLS and its key; nil without Config.Secure.
func (c *Cluster) ClientCert() (certPEM, keyPEM []byte) {
	if c.secrets == nil {
		return nil, nil
	}
	return bytes.Clone(c.secrets.client.cert), bytes.Clone(c.secrets.client.key)
}

// OAuthToken is an unsigned token for user that the brokers accept for OAUTHBEARER until it expires.
func OAuthToken(user string, expires time.Time) string {
	part := func(format string, a ...any) string {
		return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, a...))
	}
	issued := min(time.Now().Unix(), expires.Unix()-1)
	return part(`{"alg":"none"}`) + "." + part(`{"sub":%q,"iat":%d,"exp":%d}`, user, issued, expires.Unix()) + "."
}

// Files of a secured cluster.
const (
	caFile     = "ca.pem"
	serverFile = "server.pem"
)

// lifetime of the certificates: longer than any test.
const lifetime = 7 * 24 * time.Hour

// secrets are the certificates of one cluster, in PEM.
type secrets struct {
	ca             []byte
	server, client pair
}

type pair struct{ cert, key []byte }

func newSecrets() (*secrets, error) {
	authority := certificate("streamport test authority")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage |= x509.KeyUsageCertSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := signed(authority, authority, key, key)
	if err != nil {
		return nil, err
	}
	server := certificate("localhost")
	server.DNSNames, server.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	s := &secrets{ca: ca.cert}
	for _, one := range []struct {
		template *x509.Certificate
		into     *pair
	}{{server, &s.server}, {certificate("carol"), &s.client}} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		if *one.into, err = signed(one.template, authority, own, key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func certificate(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100)) // never fails
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func signed(template, parent *x509.Certificate, own, by *ecdsa.PrivateKey) (pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), by)
	if err != nil {
		return pair{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return pair{}, err
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}, nil
}

// write puts what the brokers read into folder: key and certificate in one file.
func (s *secrets) write(folder string) error {
	if err := os.WriteFile(filepath.Join(folder, caFile), s.ca, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, serverFile), append(bytes.Clone(s.server.key), s.server.cert...), 0o600)
}
