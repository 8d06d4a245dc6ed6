package streamtest

func sinkRules() []rule { return nil }
