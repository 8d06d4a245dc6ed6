module github.com/streamport-go/streamport/internal/verify

go 1.26

require github.com/streamport-go/streamport v0.0.0

replace github.com/streamport-go/streamport => ../..
