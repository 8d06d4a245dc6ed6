package streamtest

func txProducerRules() []rule { return nil }
