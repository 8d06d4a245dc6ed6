package testenv

// What emulators and Java programs are given: any region and any credentials will do, if all who share data have the
// same.
const (
	Region    = "us-east-1"
	AccessKey = "AKIAEXAMPLE"
	SecretKey = "secret"
)
