package main

import "fmt"

// partitionSuffix is what the name of a side with so many partitions ends in; one goes without saying.
func partitionSuffix(partitions int) string {
	if partitions == 1 {
		return ""
	}
	return fmt.Sprintf(", %d partitions", partitions)
}
