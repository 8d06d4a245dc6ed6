package awskinesis

import "strings"

// address is a stream's name or its ARN, as the user wrote it.
func address(stream string) (name, arn *string) {
	if strings.HasPrefix(stream, "arn:") {
		return nil, &stream
	}
	return &stream, nil
}
