package kafka_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamport-go/streamport/internal/secret"
	"github.com/streamport-go/streamport/kafka"
)

// A peer stands before a fake broker and wants AWS_MSK_IAM, which Apache Kafka does not have: it answers SaslHandshake and
// SaslAuthenticate itself, checks what was signed with AWS's own signer, and passes everything else on.
type peer struct {
	broker   string
	lifetime time.Duration // of a session; 0: no end
	accepts  kafka.Credential
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex // guards what follows
	sessions []map[string]string
	refused  []string
	open     []net.Conn
}

func newPeer(t *testing.T, accepts kafka.Credential, lifetime time.Duration) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &peer{broker: fake(t)[0], accepts: accepts, lifetime: lifetime, listener: l}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		p.mu.Lock()
		for _, c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *peer) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.open = append(p.open, conn)
		p.mu.Unlock()
		p.wg.Go(func() { p.serve(conn) })
	}
}

// serve answers one request after the other, as brokers do.
func (p *peer) serve(client net.Conn) {
	defer client.Close()
	broker, err := net.Dial("tcp", p.broker)
	if err != nil {
		return
	}
	defer broker.Close()
	var until time.Time // of the session; zero: none
	for {
		request, err := readFrame(client)
		if err != nil {
			return
		}
		var answer []byte
		switch key := kmsg.Key(binary.BigEndian.Uint16(request)); {
		case key == kmsg.SASLHandshake:
			answer = respond(request, p.handshake)
		case key == kmsg.SASLAuthenticate:
			answer = respond(request, func(r kmsg.Request) kmsg.Response {
				response, ok := p.authenticate(r.(*kmsg.SASLAuthenticateRequest))
				if ok {
					until = time.Now().Add(cmp.Or(p.lifetime, time.Hour))
				}
				return response
			})
		case key != kmsg.ApiVersions && time.Now().After(until):
			return // as a broker that enforces connections.max.reauth.ms
		default:
			if answer, err = pass(broker, request); err != nil {
				return
			}
		}
		if err := writeFrame(client, answer); err != nil {
			return
		}
	}
}

func (*peer) handshake(r kmsg.Request) kmsg.Response {
	response := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
	response.SupportedMechanisms = []string{"AWS_MSK_IAM"}
	if r.(*kmsg.SASLHandshakeRequest).Mechanism != "AWS_MSK_IAM" {
		response.ErrorCode = kerr.UnsupportedSaslMechanism.Code
	}
	return response
}

func (p *peer) authenticate(r *kmsg.SASLAuthenticateRequest) (kmsg.Response, bool) {
	response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	payload, err := p.check(r.SASLAuthBytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.refused = append(p.refused, err.Error())
		response.ErrorCode, response.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("Access denied")
		return response, false
	}
	p.sessions = append(p.sessions, payload)
	response.SASLAuthBytes = []byte(`{"version":"2020_10_22","request-id":"1"}`)
	response.SessionLifetimeMillis = p.lifetime.Milliseconds()
	return response, true
}

// check signs the same request with AWS's signer and compares.
func (p *peer) check(raw []byte) (map[string]string, error) {
	var payload map[string]string
	if err := json.Unmarshal(raw, &payload); err != nil {
		return nil, err
	}
	scope := strings.Split(payload["x-amz-credential"], "/")
	at, err := time.Parse("20060102T150405Z", payload["x-amz-date"])
	switch {
	case err != nil:
		return nil, err
	case payload["version"] != "2020_10_22" || payload["action"] != "kafka-cluster:Connect" || payload["user-agent"] == "":
		return nil, errors.New("a field that never changes is wrong")
	case payload["x-amz-algorithm"] != "AWS4-HMAC-SHA256" || payload["x-amz-signedheaders"] != "host":
		return nil, errors.New("signed in another way")
	case payload["x-amz-expires"] != "300" && payload["x-amz-expires"] != "900":
		return nil, errors.New("signed for too long")
	case time.Since(at).Abs() > time.Minute:
		return nil, errors.New("signed at another time")
	case len(scope) != 5 || scope[0] != p.accepts.AccessKey || scope[1] != at.Format("20060102") ||
		scope[3] != "kafka-cluster" || scope[4] != "aws4_request":
		return nil, fmt.Errorf("signed for %q", scope)
	case payload["x-amz-security-token"] != p.accepts.SessionToken.Reveal():
		return nil, errors.New("signed with another session token")
	}
	want, err := p.sign(payload, scope[2], at)
	if err == nil && want != payload["x-amz-signature"] {
		err = errors.New("the signature is not that of the secret key")
	}
	return payload, err
}

func (p *peer) sign(payload map[string]string, region string, at time.Time) (string, error) {
	query := "?Action=kafka-cluster%3AConnect&X-Amz-Expires=" + payload["x-amz-expires"]
	request, err := http.NewRequest(http.MethodGet, "https://"+payload["host"]+"/"+query, nil)
	if err != nil {
		return "", err
	}
	credentials := aws.Credentials{
		AccessKeyID: p.accepts.AccessKey, SecretAccessKey: p.accepts.SecretKey.Reveal(), SessionToken: p.accepts.SessionToken.Reveal(),
	}
	const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // its SHA-256
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, request, emptyBody, "kafka-cluster", region, at)
	if err != nil {
		return "", err
	}
	request, err = http.NewRequest(http.MethodGet, signed, nil)
	return request.URL.Query().Get("X-Amz-Signature"), err
}

// seen returns the hosts and regions of the sessions so far, and what was refused.
func (p *peer) seen() (hosts, regions, refused []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		hosts = append(hosts, s["host"])
		regions = append(regions, strings.Split(s["x-amz-credential"], "/")[2])
	}
	return hosts, regions, slices.Clone(p.refused)
}

// connections are how many were made.
func (p *peer) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// dial leads to the peer, whatever the address.
func (p *peer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, p.listener.Addr().String())
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > 10<<20 {
		return nil, errors.New("too long")
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

func pass(broker net.Conn, request []byte) ([]byte, error) {
	if err := writeFrame(broker, request); err != nil {
		return nil, err
	}
	return readFrame(broker)
}

// respond decodes a request, and encodes the answer to it.
func respond(frame []byte, answer func(kmsg.Request) kmsg.Response) []byte {
	b := kbin.Reader{Src: frame}
	request := kmsg.RequestForKey(b.Int16())
	request.SetVersion(b.Int16())
	correlation := b.Int32()
	b.NullableString()
	if request.IsFlexible() {
		kmsg.SkipTags(&b)
	}
	if err := request.ReadFrom(b.Src); err != nil {
		return nil
	}
	response := answer(request)
	response.SetVersion(request.GetVersion())
	out := binary.BigEndian.AppendUint32(nil, uint32(correlation))
	if response.IsFlexible() {
		out = append(out, 0)
	}
	return response.AppendTo(out)
}

func credentials(key string) kafka.Credential {
	return kafka.Credential{AccessKey: "AKIDEXAMPLE", SecretKey: secret.New(key), SessionToken: secret.New(canary + "/+=")}
}

func mskConfig(l library, p *peer, given kafka.Credential) kafka.Config {
	return kafka.Config{
		Brokers: []string{"b-1.demo.c2.kafka.eu-west-1.amazonaws.com:9098"}, Client: kafka.Client(l), Dial: p.dial,
		SASL: kafka.SASL{
			Mechanism: kafka.AWSMSKIAM, AllowPlaintext: true,
			Credential: func(context.Context) (kafka.Credential, error) { return given, nil },
		},
	}
}

func TestMSKIAMIsSignedForTheHostAndItsRegion(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-2") // of hosts that tell none: the fake calls itself 127.0.0.1
	inEach(t, func(t *testing.T, l library) {
		p := newPeer(t, credentials("secret-"+canary), 0)
		require.NoError(t, use(bounded(t), open(t, mskConfig(l, p, credentials("secret-"+canary)))))
		hosts, regions, refused := p.seen()
		require.Empty(t, refused)
		require.Equal(t, "b-1.demo.c2.kafka.eu-west-1.amazonaws.com", hosts[0])
		require.Equal(t, "eu-west-1", regions[0])
		at := slices.Index(hosts, "127.0.0.1")
		require.Positive(t, at)
		require.Equal(t, "us-east-2", regions[at])
	})
}

func TestMSKIAMRefusesAnotherKey(t *testing.T) {
	inEach(t, func(t *testing.T, l library) {
		p := newPeer(t, credentials("right"), 0)
		refusedAtOnce(t, mskConfig(l, p, credentials(canary)))
		_, _, refused := p.seen()
		require.Contains(t, refused, "the signature is not that of the secret key")
		c := mskConfig(l, p, kafka.Credential{})
		refusedAtOnce(t, c)
		c.SASL.Credential = func(context.Context) (kafka.Credential, error) { return kafka.Credential{}, errors.New("no role") }
		refusedAtOnce(t, c)
	})
}

func TestMSKIAMSessionsAreRenewed(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-2")
	lifetimes := map[library]time.Duration{franzGo: 3 * time.Second, kafkaGo: time.Second}
	inEach(t, func(t *testing.T, l library) {
		p := newPeer(t, credentials("right"), lifetimes[l])
		c := mskConfig(l, p, credentials("right"))
		c.Session = 6 * time.Second // kafka-go's own heartbeats come every third of it
		goesOnFor(t, open(t, c), "s", "renewed", 4*time.Second)
		hosts, _, refused := p.seen()
		require.Empty(t, refused)
		if l == franzGo {
			require.Greater(t, len(hosts), p.connections(), "on a connection that stays, sessions follow one another")
		} else {
			require.LessOrEqual(t, len(hosts), p.connections(), "a connection has one session, and another follows it")
			require.Greater(t, len(hosts), 15)
		}
	})
}
