package transport

import (
	"io"
	"net/http"
)

// Fixed is next without a defect of the SDK under it that makes a stored write look like one of unknown outcome.
//
// Smithy-go (seen in v1.28.8) closes a request's body as soon as the response's header is there. Where net/http has not
// returned from the body's WriteTo yet, that gives io.EOF, which net/http takes for a failed write: it closes the connection
// while the answer is read. A body that has no WriteTo is read by Read, and io.EOF is the end there.
func Fixed(next http.RoundTripper) http.RoundTripper { return fixed{next} }

type fixed struct{ next http.RoundTripper }

// RoundTrip sends the request with a body that can only be read.
func (f fixed) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return f.next.RoundTrip(request)
	}
	plain := *request // a RoundTripper must not change the request it is given
	plain.Body = readOnly(request.Body)
	if again := request.GetBody; again != nil {
		plain.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return readOnly(body), nil
		}
	}
	return f.next.RoundTrip(&plain)
}

// CloseIdleConnections closes those of the transport beneath, if it has any.
func (f fixed) CloseIdleConnections() {
	if c, ok := f.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// readOnly hides every method of a body but Read and Close.
func readOnly(body io.ReadCloser) io.ReadCloser { return struct{ io.ReadCloser }{body} }
