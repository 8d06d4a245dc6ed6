package streamtest

func txRules() []rule { return nil }
