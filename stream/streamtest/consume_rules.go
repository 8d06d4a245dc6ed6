package streamtest

func consumerRules() []rule { return nil }
