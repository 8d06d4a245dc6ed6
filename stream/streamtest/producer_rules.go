package streamtest

func producerRules() []rule { return nil }
