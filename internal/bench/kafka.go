package main

func kafkaStudies(o Options) ([]study, func() error) {
	v := &venue{given: o.Brokers}
	studies := []study{
		{name: "produce", run: v.produceStudy},
		{name: "consume", run: v.consumeStudy},
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
