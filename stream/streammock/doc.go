// Package streammock holds gomock mocks of the interfaces of package stream. They are generated; CI checks that they are
// fresh.
//
// Nearly always the memory backend is the better choice: it behaves as the service will, under rebalances, crashes and
// faults, and a test on it fails when the service breaks the contract. A mock answers whatever the test told it, also what
// no backend ever answers. It is right where a call itself is the point: that a function sends exactly one record, with
// this key, or that it hands an error on; see the example.
package streammock

//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -destination producer.go -package streammock github.com/streamport-go/streamport/stream Producer,Tx
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -destination consumer.go -package streammock github.com/streamport-go/streamport/stream Consumer,Checkpointer
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -destination backend.go -package streammock github.com/streamport-go/streamport/stream Backend,Sink,TxSink,SinkTx,Source,Claim,LagReader,Ensurer,Abandoner
