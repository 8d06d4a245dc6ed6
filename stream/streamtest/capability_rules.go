package streamtest

func capabilityRules() []rule { return nil }
