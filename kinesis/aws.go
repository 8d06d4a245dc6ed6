package kinesis

import (
	"cmp"
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/streamport-go/streamport/kinesis/internal/settings"
	"github.com/streamport-go/streamport/stream"
)

// madeUp are the credentials for emulators, which take any: real ones never leave in the clear.
const madeUp = "streamport"

// emulated is the region where an emulator is asked and none is named.
const emulated = "us-east-1"

// chain finds region and credentials as AWS's tools do. It may read files; credentials are fetched at their first use.
// Everything that only an emulator is asked for is not looked up at all.
func (c Config) chain(ctx context.Context, s settings.Settings) (aws.Config, error) {
	if local(s.Endpoint) && (s.LeaseTable == "" || local(s.Tables)) {
		return aws.Config{Region: cmp.Or(c.Region, emulated), Credentials: c.local()}, nil
	}
	options := []func(*config.LoadOptions) error{}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Credentials != nil {
		options = append(options, config.WithCredentialsProvider(c.Credentials))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("%w: AWS's configuration: %w", stream.ErrInvalid, err)
	}
	if found.Region == "" {
		return aws.Config{}, fmt.Errorf("%w: no region is known: set Config.Region or AWS_REGION", stream.ErrInvalid)
	}
	return found, nil
}

// at is base for one service: an emulator gets made-up credentials.
func (c Config) at(base aws.Config, endpoint string) aws.Config {
	if local(endpoint) {
		base.Credentials = c.local()
	}
	return base
}

func (c Config) local() aws.CredentialsProvider {
	if c.Credentials != nil {
		return c.Credentials
	}
	return credentials.NewStaticCredentialsProvider(madeUp, madeUp, "")
}

// local reports whether an endpoint is on this machine.
func local(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && endpoint != "" && isLoopback(u.Hostname())
}
