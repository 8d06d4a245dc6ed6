package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
)

// TLS says how connections are encrypted. It is on if any field is set, TLS 1.2 or newer.
type TLS struct {
	Enabled bool // on, with the system's certificate authorities if no other field says otherwise

	// CA holds certificates in PEM of the authorities that brokers' certificates are checked against; default the system's
	// [ssl.truststore.certificates].
	CA     string
	CAFile string // a file of them instead [ssl.truststore.location]

	// Cert is this program's certificate in PEM, with those between it and its authority [ssl.keystore.certificate.chain].
	Cert     string
	CertFile string // a file of it instead [ssl.keystore.location]
	Key      Secret // its private key in PEM, not encrypted [ssl.keystore.key]
	KeyFile  string // a file of it instead; it may be the same as CertFile

	ServerName string // the name that brokers' certificates must have; default the host that is dialled

	// Config is the base on which the other fields are put, for what they cannot say. It is cloned.
	Config *tls.Config `config:"-" json:"-" yaml:"-"`
}

// maxPEMBytes bounds a file of certificates: those of all public authorities together are 200 KiB.
const maxPEMBytes = 4 << 20

// on reports whether any field is set.
func (t TLS) on() bool { return t != TLS{} }

// resolve reads the files. It returns nil where TLS is off.
func (t TLS) resolve(bad *mistakes) *tls.Config {
	if !t.on() {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Config != nil {
		config = t.Config.Clone()
		if config.MinVersion == 0 {
			config.MinVersion = tls.VersionTLS12
		}
	}
	if t.ServerName != "" {
		config.ServerName = t.ServerName
	}
	if roots := t.roots(bad); roots != nil {
		config.RootCAs = roots
	}
	if pair, ok := t.pair(bad); ok {
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// roots returns nil for the system's authorities, and after a mistake.
func (t TLS) roots(bad *mistakes) *x509.CertPool {
	text, ok := t.pem(bad, "TLS.CA", t.CA, t.CAFile)
	if !ok {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		bad.add("TLS."+written(t.CA, "CA", "CAFile"), "holds no certificate in PEM")
		return nil
	}
	return pool
}

// pair returns the program's own certificate and key.
func (t TLS) pair(bad *mistakes) (tls.Certificate, bool) {
	before := len(*bad)
	cert, hasCert := t.pem(bad, "TLS.Cert", t.Cert, t.CertFile)
	key, hasKey := t.pem(bad, "TLS.Key", t.Key.Reveal(), t.KeyFile)
	switch {
	case len(*bad) > before || !hasCert && !hasKey:
		return tls.Certificate{}, false
	case !hasKey:
		bad.add("TLS.Key", "is missing: a certificate needs its private key")
		return tls.Certificate{}, false
	case !hasCert:
		bad.add("TLS.Cert", "is missing: a private key needs its certificate")
		return tls.Certificate{}, false
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		bad.add("TLS.Cert and TLS.Key", "do not go together: %s", pairMistake(err))
		return tls.Certificate{}, false
	}
	return pair, true
}

// pairMistake keeps crypto/tls's words, which name block types and repeat no text of a key.
func pairMistake(err error) string {
	const most = 200
	text := err.Error()
	return text[:min(len(text), most)]
}

// pem returns the text of one of two fields.
func (t TLS) pem(bad *mistakes, field, text, file string) (string, bool) {
	switch {
	case text != "" && file != "":
		bad.add(field, "is set beside %sFile: one of the two", field)
	case file != "":
		data, err := readFile(file)
		if err != nil {
			bad.add(field+"File", "cannot be read: %w", err)
			return "", false
		}
		return data, true
	}
	return text, text != "" && file == ""
}

func written(text, field, fileField string) string {
	if text != "" {
		return field
	}
	return fileField
}

// readFile reads a file of bounded size. The errors name the path.
func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEMBytes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if len(data) > maxPEMBytes {
		return "", errors.New("the file has more than 4 MiB")
	}
	return string(data), nil
}
