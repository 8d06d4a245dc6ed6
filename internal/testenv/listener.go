package testenv

// kind is one of a node's listeners.
type kind int

const (
	plaintext  kind = iota // without authentication
	controller             // of the quorum
	internal               // between the brokers, where plaintext goes through a proxy
	saslPlain
	saslTLS
	mutualTLS
	kinds int = iota
)

func (k kind) name() string {
	return [...]string{"PLAINTEXT", "CONTROLLER", "INTERNAL", "SASLP", "SASLS", "MTLS"}[k]
}

func (k kind) protocol() string {
	return [...]string{"PLAINTEXT", "PLAINTEXT", "PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL"}[k]
}
