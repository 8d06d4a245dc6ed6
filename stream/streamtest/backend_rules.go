package streamtest

func backendRules() []rule { return nil }
