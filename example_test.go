package streamport_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamport-go/streamport"
	"github.com/streamport-go/streamport/memory"
	"github.com/streamport-go/streamport/stream"
)

func ExampleOpen() {
	ctx := context.Background()
	b, err := streamport.Open(ctx, "memory:?profile=kinesis&streams=quakes:4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	can, err := b.Capabilities(ctx, "quakes")
	fmt.Println(can.Partitions, can.Transactions.Support, err)
	// Output: 4 none <nil>
}

func ExampleOpen_mistakes() {
	_, err := streamport.Open(context.Background(), "memory:?profil=kafka&seed=1&seed=2&session=10")
	fmt.Println(errors.Is(err, stream.ErrInvalid))
	var mistakes streamport.ConfigErrors
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			fmt.Println(m)
		}
	}
	// Output:
	// true
	// url: seed: written twice
	// url: profil: unknown key; did you mean profile?
	// url: session: "10": has no unit: a duration is written with one, such as 250ms, 1h30m or 7d
}

func ExampleLoadConfig() {
	dir, err := os.MkdirTemp("", "streamport")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "streamport.yaml")
	text := `
backend: memory
memory:
  profile: ${PROFILE:-kafka}
  streams:
    - quakes:4
    - {name: alerts, retention: 7d, max_record_bytes: 1MiB}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	c, err := streamport.LoadConfig(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := c.Open(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	fmt.Println(c.Backend, c.Memory.Profile, c.Memory.Streams[1].Retention, c.Memory.Streams[1].MaxRecordBytes)
	// Output: memory kafka 168h0m0s 1048576
}

func ExampleConfig_UnmarshalYAML() {
	var service struct {
		Port   int
		Events streamport.Config
	}
	err := yaml.Unmarshal([]byte(`
port: 8080
events:
  backend: memory
  memory:
    profile: kinesis
    sesion: 5s
`), &service)
	var load *yaml.LoadError
	var mistakes streamport.ConfigErrors
	if errors.As(err, &load) && errors.As(load, &mistakes) {
		fmt.Println(mistakes)
	}
	// Output:
	// line 7: memory.sesion: unknown key; did you mean session?
}

func ExampleConfig_Simulate() {
	production := streamport.Config{Backend: "memory", Memory: &memory.Config{Streams: []stream.StreamConfig{{Name: "orders"}}}}
	b, err := production.Simulate(42)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	can, err := b.Capabilities(context.Background(), "orders")
	fmt.Println(can.Partitions, err)
	// Output: 4 <nil>
}

func ExampleSecret() {
	password := streamport.NewSecret("hunter2")
	fmt.Printf("%v %+v %#v %s %q %x\n", password, password, password, password, password, password)
	fmt.Println(len(password.Reveal()))
	// Output:
	// *** *** *** *** *** ***
	// 7
}
