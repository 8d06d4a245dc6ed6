package fakekinesis

import (
	"encoding/json"
	"regexp"
)

// MemberOf is the member of a group in whose name a request to DynamoDB writes a lease: who becomes its owner, or else who
// must be. It is "" if the request is none. Tests stop members by it.
func MemberOf(body []byte) string {
	var write struct {
		UpdateExpression, ConditionExpression string
		ExpressionAttributeNames              map[string]string
		ExpressionAttributeValues             map[string]struct{ S string }
	}
	if json.Unmarshal(body, &write) != nil {
		return ""
	}
	for _, text := range []string{write.UpdateExpression, write.ConditionExpression} {
		for _, match := range assignment.FindAllStringSubmatch(text, -1) {
			name, full := match[1], write.ExpressionAttributeNames[match[1]]
			if name == "leaseOwner" || full == "leaseOwner" {
				return write.ExpressionAttributeValues[match[2]].S
			}
		}
	}
	return ""
}

// assignment is a name and the value that it gets, or is compared with.
var assignment = regexp.MustCompile(`(#?[A-Za-z][A-Za-z0-9_]*)\s*=\s*(:[A-Za-z0-9_]+)`)
