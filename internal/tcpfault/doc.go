// Package tcpfault is a TCP proxy that does harm on demand: it cuts, delays, stalls, slows and slices what goes through
// it, for all connections, for one, or for the requests and responses of chosen Kafka API keys.
//
//	proxy, err := tcpfault.Listen("127.0.0.1:9092")
//	lost := proxy.Set(tcpfault.Rule{Kind: tcpfault.LoseReply, Keys: []int16{tcpfault.Produce}, Times: 1})
//	… the client connects to proxy.Addr() and produces …
//	<-lost.Fired()
//
// Kafka's framing is read as it passes: the size, API key and correlation id of each request, and the correlation id of
// each response, which tells its key. Bytes that are not Kafka's, such as TLS, go through too; rules with keys do not
// match them.
package tcpfault
