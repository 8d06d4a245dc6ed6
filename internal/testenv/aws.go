package testenv

// What emulators and Java programs are given: any region and any credentials will do, but the same for all who share data.
const (
	Region    = "us-east-1"
	AccessKey = "AKIAEXAMPLE"
	SecretKey = "secret"
)
