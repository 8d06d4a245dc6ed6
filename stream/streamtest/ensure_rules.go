package streamtest

func ensureRules() []rule { return nil }
