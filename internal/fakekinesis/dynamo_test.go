package fakekinesis_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/streamport-go/streamport/internal/fakekinesis"
)

// tableClient is the SDK's client of a fake, without retries.
func tableClient(fake *fakekinesis.Tables) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: fake}, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
}

func TestTheSDKTalksToTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, _ := made(t, fakekinesis.TableOptions{})
		c := tableClient(fake)
		key := map[string]types.AttributeValue{"leaseKey": &types.AttributeValueMemberS{Value: "k"}}
		update := func(condition string) (*dynamodb.UpdateItemOutput, error) {
			return c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String(leases), Key: key, UpdateExpression: aws.String("ADD n :one"), ConditionExpression: &condition,
				ExpressionAttributeValues:           map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
				ReturnValues:                        types.ReturnValueAllNew,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
		}
		out, err := update("attribute_not_exists(n)")
		require.NoError(t, err)
		require.Equal(t, &types.AttributeValueMemberN{Value: "1"}, out.Attributes["n"])
		_, err = update("attribute_not_exists(n)")
		var failed *types.ConditionalCheckFailedException
		require.ErrorAs(t, err, &failed)
		require.Equal(t, out.Attributes, failed.Item, "the item comes with the refusal")

		_, err = c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("nothing"), Key: key})
		var missing *types.ResourceNotFoundException
		require.ErrorAs(t, err, &missing)
		require.Equal(t, map[string]int{"CreateTable": 1, "UpdateItem": 2, "GetItem": 1}, fake.Ops())
		require.Equal(t, `{"leaseKey":{"S":"k"},"n":{"N":"1"}}`, fake.Items(leases)["k"].String())
	})
}

func TestWhatAWriteReturns(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	for _, c := range []struct{ op, with, want string }{
		{"PutItem", `"Item":{"leaseKey":{"S":"k"},"a":{"N":"1"}},"ReturnValues":"ALL_OLD"`, ""},
		{"PutItem", `"Item":{"leaseKey":{"S":"k"},"a":{"N":"2"}},"ReturnValues":"ALL_OLD"`, `{"a":{"N":"1"}}`},
		{"PutItem", `"Item":{"leaseKey":{"S":"k"},"a":{"N":"3"}}`, ""},
		{"UpdateItem", `"Key":{"leaseKey":{"S":"k"}},"UpdateExpression":"SET a = a + a","ReturnValues":"ALL_OLD"`, `{"a":{"N":"3"}}`},
		{"UpdateItem", `"Key":{"leaseKey":{"S":"k"}},"UpdateExpression":"SET a = a + a","ReturnValues":"ALL_NEW"`, `{"a":{"N":"12"}}`},
		{"UpdateItem", `"Key":{"leaseKey":{"S":"k"}},"UpdateExpression":"SET a = a + a"`, ""},
		{"DeleteItem", `"Key":{"leaseKey":{"S":"k"}},"ReturnValues":"ALL_OLD"`, `{"a":{"N":"24"}}`},
		{"DeleteItem", `"Key":{"leaseKey":{"S":"k"}},"ReturnValues":"ALL_OLD"`, ""},
	} {
		s := w.post(t, c.op, `{"TableName":"leases",`+c.with+`}`)
		require.Empty(t, s.code, s.message)
		require.Equal(t, c.want, bare(s.item(t, "Attributes")), c.with)
	}
}

func TestARefusalCarriesTheItemIfAskedFor(t *testing.T) {
	for _, bareServer := range []bool{false, true} {
		_, w := made(t, fakekinesis.TableOptions{Bare: bareServer})
		w.put(t, `"a":{"N":"1"}`)
		request := `{"TableName":"leases","Key":{"leaseKey":{"S":"%s"}},"ConditionExpression":"attribute_exists(b)"%s}`
		all := `,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`
		s := w.post(t, "UpdateItem", fmt.Sprintf(request, "k", all))
		require.Equal(t, refusedCode, s.code)
		require.Equal(t, !bareServer, s.item(t, "Item") != "", "some emulators never tell")
		require.Empty(t, w.post(t, "UpdateItem", fmt.Sprintf(request, "k", "")).item(t, "Item"))
		require.Empty(t, w.post(t, "UpdateItem", fmt.Sprintf(request, "other", all)).item(t, "Item"))
	}
}

func TestScanIsPaged(t *testing.T) {
	for name, c := range map[string]struct {
		options fakekinesis.TableOptions
		limit   string
		bytes   int // of an item
		largest int
	}{
		"the scan exceeds the maximum dataset size limit of 1 MB": {fakekinesis.TableOptions{}, "", 350 << 10, 3},
		"a page of a configured size":                             {fakekinesis.TableOptions{PageBytes: 500}, "", 300, 2},
		"a page of configured items":                              {fakekinesis.TableOptions{PageItems: 3}, "", 1, 3},
		"The maximum number of items to evaluate":                 {fakekinesis.TableOptions{}, `,"Limit":1`, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake, w := made(t, c.options)
			const items = 7
			large := strings.Repeat("x", c.bytes)
			for n := range items {
				i, err := fakekinesis.ReadItem(fmt.Appendf(nil, `{"leaseKey":{"S":"%d"},"a":{"S":"%s"}}`, n, large))
				require.NoError(t, err)
				require.NoError(t, fake.Put(leases, i))
			}
			seen, from := map[string]bool{}, ""
			for range items + 1 {
				s := w.post(t, "Scan", `{"TableName":"leases","ConsistentRead":true`+c.limit+from+`}`)
				require.Empty(t, s.code, s.message)
				page := strings.Count(string(s.body["Items"]), `"leaseKey"`)
				require.LessOrEqual(t, page, c.largest)
				require.Equal(t, fmt.Sprint(page), string(s.body["Count"]))
				for n := range items {
					if strings.Contains(string(s.body["Items"]), fmt.Sprintf(`"leaseKey":{"S":"%d"}`, n)) {
						require.False(t, seen[fmt.Sprint(n)], "no item comes twice")
						seen[fmt.Sprint(n)] = true
					}
				}
				if s.body["LastEvaluatedKey"] == nil {
					break
				}
				from = `,"ExclusiveStartKey":` + string(s.body["LastEvaluatedKey"])
				last := strings.Split(string(s.body["LastEvaluatedKey"]), `"`)[5]
				fake.Remove(leases, last) // a page begins after a key that is gone, too
			}
			require.Len(t, seen, items)
		})
	}
	_, w := made(t, fakekinesis.TableOptions{})
	require.Equal(t, invalidCode, w.post(t, "Scan", `{"TableName":"leases","Limit":0}`).code)
	require.Equal(t, invalidCode, w.post(t, "Scan", `{"TableName":"leases","ExclusiveStartKey":{"a":{"S":"x"}}}`).code)
}

// "the response might not reflect the results of a recently completed write operation" (eventually consistent reads)
func TestReadsThatAreNotConsistentLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lag = 2 * time.Second
		_, w := made(t, fakekinesis.TableOptions{Lag: lag, Seed: 7})
		read := func(consistent bool) (got, scanned string) {
			s := w.post(t, "GetItem", fmt.Sprintf(`{"TableName":"leases","Key":{"leaseKey":{"S":"k"}},"ConsistentRead":%v}`, consistent))
			all := w.post(t, "Scan", fmt.Sprintf(`{"TableName":"leases","ConsistentRead":%v}`, consistent))
			return bare(s.item(t, "Item")), string(all.body["Count"])
		}
		stale, fresh := 0, 0
		for n := range 50 {
			w.put(t, fmt.Sprintf(`"a":{"N":"%d"}`, n))
			time.Sleep(lag / 10)
			got, _ := read(true)
			require.Equal(t, fmt.Sprintf(`{"a":{"N":"%d"}}`, n), got)
			if lagged, _ := read(false); lagged == got {
				fresh++
			} else {
				stale++
			}
		}
		require.Positive(t, fresh)
		require.Positive(t, stale)
		time.Sleep(lag)
		got, scanned := read(false)
		require.Equal(t, `{"a":{"N":"49"}}`, got, "not for ever")
		require.Equal(t, "1", scanned)
		w.post(t, "DeleteItem", `{"TableName":"leases","Key":{"leaseKey":{"S":"k"}}}`)
		got, scanned = read(true)
		require.Empty(t, got)
		require.Equal(t, "0", scanned)
		time.Sleep(lag)
		got, scanned = read(false)
		require.Empty(t, got)
		require.Equal(t, "0", scanned)
	})
}

func TestTablesAreMadeAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, w := made(t, fakekinesis.TableOptions{Creating: 5 * time.Second})
		describe := `{"TableName":"leases"}`
		require.Contains(t, string(w.post(t, "DescribeTable", describe).body["Table"]), `"TableStatus":"CREATING"`)
		get := `{"TableName":"leases","Key":{"leaseKey":{"S":"k"}}}`
		require.Equal(t, "ResourceNotFoundException", w.post(t, "GetItem", get).code)
		require.Equal(t, "ResourceInUseException", w.post(t, "DeleteTable", describe).code)
		time.Sleep(5 * time.Second)
		described := string(w.post(t, "DescribeTable", describe).body["Table"])
		require.Contains(t, described, `"TableStatus":"ACTIVE"`)
		require.Contains(t, described, `"BillingMode":"PAY_PER_REQUEST"`)
		require.Contains(t, described, `"KeySchema":[{"AttributeName":"leaseKey","KeyType":"HASH"}]`)
		require.Empty(t, w.post(t, "GetItem", get).code)
		require.Equal(t, "ResourceInUseException", w.post(t, "CreateTable", `{"TableName":"leases","BillingMode":"PAY_PER_REQUEST",
			"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]}`).code)
		require.Empty(t, w.post(t, "DeleteTable", describe).code)
		require.Equal(t, "ResourceNotFoundException", w.post(t, "DescribeTable", describe).code)
		require.Equal(t, "ResourceNotFoundException", w.post(t, "DeleteTable", describe).code)
		require.Empty(t, fake.Items(leases))
	})
}

func TestTablesThatCannotBeMade(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	const abc, onDemand = `"TableName":"abc",`, `"BillingMode":"PAY_PER_REQUEST",`
	const hash, ofText = `"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],`, `"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]`
	for why, request := range map[string]string{
		"a name of two characters": `"TableName":"ab",` + onDemand + hash + ofText,
		"a name with a slash":      `"TableName":"a/b",` + onDemand + hash + ofText,
		"no key":                   abc + onDemand + `"KeySchema":[],"AttributeDefinitions":[]`,
		"a key of no type":         abc + onDemand + hash + `"AttributeDefinitions":[]`,
		"a sort key alone":         abc + onDemand + `"KeySchema":[{"AttributeName":"a","KeyType":"RANGE"}],` + ofText,
		"an attribute of no key": abc + onDemand + hash +
			`"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}]`,
		"no throughput": abc + hash + ofText,
	} {
		require.Equal(t, invalidCode, w.post(t, "CreateTable", "{"+request+"}").code, why)
	}
	s := w.post(t, "CreateTable", `{"TableName":"other","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},
		"KeySchema":[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"N"}]}`)
	require.Empty(t, s.code, s.message)
	described := w.post(t, "DescribeTable", `{"TableName":"other"}`)
	require.Contains(t, string(described.body["Table"]), `{"AttributeName":"b","KeyType":"RANGE"}`)
	require.Equal(t, invalidCode, w.post(t, "Scan", `{"TableName":"other"}`).code, "it takes no items")
}

func TestNothingIsIgnored(t *testing.T) {
	_, w := made(t, fakekinesis.TableOptions{})
	require.Equal(t, "UnknownOperationException", w.post(t, "Query", `{"TableName":"leases"}`).code)
	require.Equal(t, "SerializationException", w.post(t, "Scan", `{"TableName":"leases","FilterExpression":"a = b"}`).code)
	require.Equal(t, "SerializationException", w.post(t, "Scan", `{"TableName":`).code)
	require.Equal(t, "SerializationException", w.post(t, "GetItem", `{"TableName":"leases","Key":{"leaseKey":{"S":5}}}`).code)
}

func TestRequestsWithoutASignatureAreRefused(t *testing.T) {
	fake, _ := made(t, fakekinesis.TableOptions{})
	body := strings.NewReader(`{"TableName":"leases"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://dynamodb.invalid", body)
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.Scan")
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	response, err := fake.RoundTrip(request)
	require.NoError(t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	require.Contains(t, string(answer), "MissingAuthenticationTokenException")
	require.Equal(t, fmt.Sprint(crc32.ChecksumIEEE(answer)), response.Header.Get("X-Amz-Crc32"))
}

func TestTableFaults(t *testing.T) {
	put := `{"TableName":"leases","Item":{"leaseKey":{"S":"k"}}}`
	for kind, c := range map[fakekinesis.Kind]struct {
		code   string
		broken bool
		done   bool
	}{
		fakekinesis.Refuse:      {code: "ProvisionedThroughputExceededException"},
		fakekinesis.RefuseAfter: {code: "ProvisionedThroughputExceededException", done: true},
		fakekinesis.Reset:       {broken: true},
		fakekinesis.Lose:        {broken: true, done: true},
		fakekinesis.Expired:     {code: "ExpiredTokenException"},
		fakekinesis.Delay:       {done: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake, w := made(t, fakekinesis.TableOptions{})
			fake.Script().Add(fakekinesis.Fault{
				Op: "PutItem", Resource: leases, Item: "k", Kind: kind, Delay: time.Second,
				Code: "ProvisionedThroughputExceededException",
			})
			begun := time.Now()
			_, err := tableClient(fake).PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: aws.String(leases),
				Item:      map[string]types.AttributeValue{"leaseKey": &types.AttributeValueMemberS{Value: "k"}},
			})
			switch {
			case c.code != "":
				require.Equal(t, c.code, code(err), kind)
			case c.broken:
				require.ErrorContains(t, err, "reset by peer")
			default:
				require.NoError(t, err)
				require.Equal(t, time.Second, time.Since(begun))
			}
			require.Equal(t, c.done, len(fake.Items(leases)) == 1, kind)
			require.Empty(t, w.post(t, "PutItem", put).code, "once")
		})
	}
}

func TestACallerThatHasGoneIsNotAnswered(t *testing.T) {
	fake, _ := made(t, fakekinesis.TableOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://dynamodb.invalid", nil)
	require.NoError(t, err)
	_, err = fake.RoundTrip(request) //nolint:bodyclose // there is no response
	require.ErrorIs(t, err, context.Canceled)
}

func TestWhatTestsPutAndTake(t *testing.T) {
	fake := fakekinesis.NewTables(fakekinesis.TableOptions{})
	i, err := fakekinesis.ReadItem([]byte(`{"leaseKey":{"S":"k"},"a":{"N":"1.0"}}`))
	require.NoError(t, err)
	require.NoError(t, fake.Put("other", i), "a table is made for it")
	got := fake.Items("other")
	require.Equal(t, "1", got["k"]["a"].Text())
	require.Equal(t, "N", got["k"]["a"].Kind())
	delete(got["k"], "a")
	require.Contains(t, fake.Items("other")["k"], "a", "what was taken is the caller's")
	require.Error(t, fake.Put("other", fakekinesis.Item{"a": i["a"]}))
	fake.Remove("other", "k")
	fake.Remove("other", "k")
	fake.Remove("nothing", "k")
	require.Empty(t, fake.Items("other"))
	_, err = fakekinesis.ReadItem([]byte(`{"a":{"SS":[]}}`))
	require.Error(t, err)
	require.False(t, errors.Is(err, io.EOF))
}

// One seed, one order of a scan.
func TestTablesAreTheSameEachTime(t *testing.T) {
	order := func(seed uint64) string {
		_, w := made(t, fakekinesis.TableOptions{Seed: seed})
		for n := range 8 {
			w.post(t, "PutItem", fmt.Sprintf(`{"TableName":"leases","Item":{"leaseKey":{"S":"%d"}}}`, n))
		}
		return string(w.post(t, "Scan", `{"TableName":"leases"}`).body["Items"])
	}
	require.Equal(t, order(1), order(1))
	require.NotEqual(t, order(1), order(2))
}
