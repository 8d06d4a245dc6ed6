package main

func kafkaStudies(o Options) ([]study, func() error) {
	v := &venue{given: o.Brokers, warmRecords: o.Records}
	studies := []study{
		{name: "produce", run: v.produceStudy},
		{name: "consume", run: v.consumeStudy},
		{name: "latency", run: v.latencyStudy},
		{name: "eos", run: v.exactlyOnceStudy},
		{name: "held", run: v.heldStudy},
		{name: "gaps", run: v.gapStudy},
		{name: "kafkago", run: v.kafkagoStudy},
		{name: "connections", run: connectionStudy},
		{name: "failover", run: failoverStudy},
	}
	return studies, v.close
}

// peers are all sides.
func peers() []peer {
	all := append([]peer{franzPeer()}, streamPeers()...)
	all = append(all, kafkagoPeer(), saramaPeer())
	all = append(all, librdkafkaPeers()...)
	return append(all, watermillPeer(), gocloudPeer())
}

// peerOf is the side of that name. A name that is none is the programmer's mistake.
func peerOf(name string) peer {
	for _, p := range peers() {
		if p.name == name {
			return p
		}
	}
	panic("bench: no side is called " + name)
}
