package testenv

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"testing"
)

// DynamoDBConfig says how DynamoDB Local is started. The zero value works.
type DynamoDBConfig struct {
	// Heap is the largest heap, in the form of java's -Xmx; default "128m".
	Heap string
	// Log gets what the server writes, beside the file from which errors quote.
	Log io.Writer
}

// StartDynamoDB starts Amazon's DynamoDB Local.
func StartDynamoDB(ctx context.Context, config DynamoDBConfig) (*Emulator, error) {
	if config.Heap == "" {
		config.Heap = "128m"
	}
	if !heapForm.MatchString(config.Heap) {
		return nil, fmt.Errorf("testenv: heap %q is not of the form 128m", config.Heap)
	}
	d, err := openJars(ctx, "DynamoDBLocal-"+DynamoDBLocalVersion,
		artifact{group: "com.amazonaws", name: "DynamoDBLocal", version: DynamoDBLocalVersion, slf4j: "1.7.36"})
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	args := append([]string{"-Xmx" + config.Heap, quick}, jvm...)
	args = append(args, "-cp", d.classpath(), "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-inMemory", "-disableTelemetry", "-sharedDb", "-port")
	return startEmulator(ctx, "dynamodb-local", 1, config.Log, func(ports []int) *exec.Cmd {
		return exec.Command(d.java, append(args[:len(args):len(args)], strconv.Itoa(ports[0]))...)
	})
}

// RunDynamoDB starts DynamoDB Local and stops it when the test ends. It fails the test if it does not start.
func RunDynamoDB(t testing.TB, config DynamoDBConfig) *Emulator {
	t.Helper()
	e, err := StartDynamoDB(t.Context(), config)
	return e.run(t, err)
}
