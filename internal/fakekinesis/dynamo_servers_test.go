//go:build servers

package fakekinesis_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/streamport-go/streamport/internal/testenv"
)

// What the fake answers DynamoDB Local answers too.
func TestTablesAnswerAsDynamoDBLocal(t *testing.T) {
	trip := &http.Transport{}
	t.Cleanup(trip.CloseIdleConnections)
	w := wire{testenv.RunDynamoDB(t, testenv.DynamoDBConfig{}).Endpoint(), trip}
	w.makeTable(t)
	for _, c := range slices.Concat(conditionCases, updateCases, writeCases) {
		c.check(t, w)
	}
}
