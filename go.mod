module github.com/streamport-go/streamport

go 1.26
