package awskinesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/streamport-go/streamport/kinesis/internal/api"
	"github.com/streamport-go/streamport/kinesis/internal/cbor"
)

// errRefused says that the service does not speak CBOR, and that nothing was done.
var errRefused = errors.New("the service refuses CBOR")

const (
	// mostAnswer bounds an answer: 10 MiB of records, and their keys and numbers, of which there are 10,000.
	mostAnswer = 32 << 20
	mostError  = 1 << 20
)

// putBinary is PutRecords in CBOR. The SDK carries the request; the entries do not pass through its types.
func (s *Service) putBinary(ctx context.Context, stream string, entries []api.Entry) ([]api.Result, error) {
	in := &kinesis.PutRecordsInput{Records: []types.PutRecordsRequestEntry{}} // the SDK wants to see some
	in.StreamName, in.StreamARN = address(stream)
	name, arn := spelled(in.StreamName), spelled(in.StreamARN)
	c := s.put("PutRecords")
	var results []api.Result
	b := &binary{body: cbor.AppendPut(make([]byte, 0, cbor.PutBytes(name, arn, entries)), name, arn, entries)}
	b.read = func(p []byte) (err error) {
		results, err = cbor.ReadPut(p)
		return err
	}
	if _, err := send(ctx, c, s.client.PutRecords, in, b.use); err != nil {
		return nil, s.refusal(err)
	}
	for i := range results {
		if results[i].Message != "" {
			results[i].Message = c.words(results[i].Code, results[i].Message)
		}
	}
	return c.complete(results, len(entries))
}

// getBinary is GetRecords in CBOR. The data of a page's records share its memory.
func (s *Service) getBinary(ctx context.Context, stream, iterator string, limit int) (api.Page, error) {
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	_, in.StreamARN = address(stream)
	var page api.Page
	b := &binary{body: cbor.AppendGet(nil, spelled(in.StreamARN), iterator, limit)}
	b.read = func(p []byte) (err error) {
		page, err = cbor.ReadGet(p)
		return err
	}
	out, err := send(ctx, s.reading("GetRecords"), s.client.GetRecords, in, b.use)
	if err != nil {
		return api.Page{}, s.refusal(err)
	}
	page.Date, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
	return page, nil
}

func spelled(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// refusal makes the service speak JSON from now on, if err is that.
func (s *Service) refusal(err error) error {
	if !errors.Is(err, errRefused) {
		return err
	}
	if s.cbor.CompareAndSwap(true, false) {
		s.logger.Warn("the service refuses CBOR and is asked in JSON")
	}
	return errRefused
}

// A binary is the protocol of one call.
type binary struct {
	smithyhttp.ClientProtocol // JSON, for what has no CBOR
	body                      []byte
	read                      func([]byte) error
}

// use makes b a call's protocol.
func (b *binary) use(o *kinesis.Options) { b.ClientProtocol, o.Protocol = o.Protocol, b }

// SerializeRequest puts the body into the request.
func (b *binary) SerializeRequest(
	_ context.Context, schema *smithy.OperationSchema, _ smithy.Serializable, request *smithyhttp.Request,
) error {
	request.Header.Set("Accept", cbor.ContentType)
	return fill(request, schema, cbor.ContentType, b.body)
}

// fill makes a request that calls an operation with a body.
func fill(request *smithyhttp.Request, schema *smithy.OperationSchema, contentType string, body []byte) error {
	request.Method = http.MethodPost
	if request.URL.Path == "" {
		request.URL.Path = "/"
	}
	request.Header.Set("X-Amz-Target", schemas.Kinesis_20131202.Schema.ID().Name+"."+schema.ID().Name)
	request.Header.Set("Content-Type", contentType)
	with, err := request.SetStream(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("set the body: %w", err)
	}
	*request = *with
	return nil
}

// DeserializeResponse reads an answer or an error.
func (b *binary) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, response *smithyhttp.Response,
	out smithy.Deserializable,
) error {
	spoken := strings.HasPrefix(response.Header.Get("Content-Type"), cbor.ContentType)
	if response.StatusCode/100 != 2 {
		return b.failure(ctx, schema, types, response, out, spoken)
	}
	if !spoken {
		return &unreadable{cbor.ErrSyntax}
	}
	body, err := drain(response.Response)
	if err != nil {
		return err
	}
	if err := b.read(body); err != nil {
		return &unreadable{err}
	}
	return nil
}

// failure tells a service that does not know the media type from one that refuses what is asked.
func (b *binary) failure(
	ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, response *smithyhttp.Response,
	out smithy.Deserializable, spoken bool,
) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, mostError))
	if err != nil {
		return err
	}
	failed := &smithy.GenericAPIError{}
	if spoken {
		failed.Code, failed.Message = cbor.ReadFailure(body)
	} else {
		response.Body = io.NopCloser(bytes.NewReader(body))
		said, ok := errors.AsType[smithy.APIError](b.ClientProtocol.DeserializeResponse(ctx, schema, registry, response, out))
		if ok && said.ErrorCode() != uncoded {
			failed.Code, failed.Message = said.ErrorCode(), said.ErrorMessage()
		}
	}
	switch {
	case refuses(response.StatusCode, failed.Code):
		return errRefused
	case failed.Code == "":
		return &unreadable{cbor.ErrSyntax}
	}
	return failed
}

// refuses reports whether an error means that the request's form is not known: then nothing was done.
func refuses(status int, code string) bool {
	switch {
	case status == http.StatusUnsupportedMediaType:
		return true
	case status/100 != 4, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return false
	}
	return code == "" || slices.Contains(noCBOR, code)
}

// noCBOR are the codes of a service that cannot read the request's form.
var noCBOR = []string{"SerializationException", "UnknownOperationException", "UnsupportedMediaTypeException"}

// drain reads an answer into memory of its size.
func drain(response *http.Response) ([]byte, error) {
	n := response.ContentLength
	if n < 0 || n > mostAnswer {
		body, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
		if len(body) > mostAnswer {
			return nil, &unreadable{cbor.ErrSyntax}
		}
		return body, err
	}
	body := make([]byte, n)
	_, err := io.ReadFull(response.Body, body)
	return body, err
}
