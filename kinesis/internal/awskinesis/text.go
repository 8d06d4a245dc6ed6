package awskinesis

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/streamport-go/streamport/kinesis/internal/awsjson"
)

// A text is the protocol of one call in JSON whose body does not pass through the SDK's types. What it does not
// understand of an answer, and every error, is left to the SDK.
type text struct {
	smithyhttp.ClientProtocol
	body []byte
	read func([]byte) bool
	done bool // read has understood the answer; else the SDK's output has it
}

// use makes t a call's protocol.
func (t *text) use(o *kinesis.Options) { t.ClientProtocol, o.Protocol = o.Protocol, t }

// SerializeRequest puts the body into the request.
func (t *text) SerializeRequest(
	_ context.Context, schema *smithy.OperationSchema, _ smithy.Serializable, request *smithyhttp.Request,
) error {
	return fill(request, schema, awsjson.ContentType, t.body)
}

// DeserializeResponse reads an answer.
func (t *text) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, response *smithyhttp.Response,
	out smithy.Deserializable,
) error {
	if response.StatusCode == http.StatusOK {
		body, err := drain(response.Response)
		if err != nil {
			return err
		}
		if t.done = t.read(body); t.done {
			return nil
		}
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	return t.ClientProtocol.DeserializeResponse(ctx, schema, types, response, out)
}
