package kafka

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/streamport-go/streamport/internal/secret"
)

// A chain is AWS's default way to credentials. It is looked for when first asked, since that reads files and may ask the
// network; a failure is not remembered. Methods may be called from many goroutines.
type chain struct {
	mu       sync.Mutex // guards what follows
	provider aws.CredentialsProvider
}

func (c *chain) credential(ctx context.Context) (Credential, error) {
	provider, err := c.find(ctx)
	if err != nil {
		return Credential{}, err
	}
	found, err := provider.Retrieve(ctx)
	if err != nil {
		return Credential{}, err
	}
	return Credential{
		AccessKey: found.AccessKeyID, SecretKey: secret.New(found.SecretAccessKey), SessionToken: secret.New(found.SessionToken),
	}, nil
}

// find loads outside the lock: two that come first both load, and the first to end is kept.
func (c *chain) find(ctx context.Context) (aws.CredentialsProvider, error) {
	if known := c.known(nil); known != nil {
		return known, nil
	}
	loaded, err := config.LoadDefaultConfig(ctx, config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = freshFor
	}))
	if err != nil {
		return nil, err
	}
	return c.known(loaded.Credentials), nil
}

// known returns the provider, which is offered if there is none.
func (c *chain) known(offered aws.CredentialsProvider) aws.CredentialsProvider {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider == nil {
		c.provider = offered
	}
	return c.provider
}
