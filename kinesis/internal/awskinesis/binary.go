package awskinesis

import (
	"context"
	"errors"

	"github.com/streamport-go/streamport/kinesis/internal/api"
)

// errRefused says that the service does not speak CBOR, and that nothing was done.
var errRefused = errors.New("the service refuses CBOR")

func (s *Service) putBinary(context.Context, string, []api.Entry) ([]api.Result, error) {
	return nil, errRefused
}

func (s *Service) getBinary(context.Context, string, string, int) (api.Page, error) {
	return api.Page{}, errRefused
}
