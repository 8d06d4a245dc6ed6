package main

// A rateTable tells the rates of sides, the greatest first column of figures, and what a record cost them.
type rateTable struct{ *Table }

func newRateTable(title string) rateTable {
	return rateTable{&Table{
		Title:   title,
		Heading: []string{"side", "measured call", "thousand/s", "least", "most", "CPU ns/record", "allocs/record", "bytes/record"},
	}}
}

func (t rateTable) addRate(side, call string, c *Costs) {
	rate := c.rate()
	t.add(side, call, number(rate.Median()), number(rate.Min()), number(rate.Max()),
		number(c.CPU.Median()), number(c.Allocs.Median()), number(c.Bytes.Median()))
}

// rate is how many thousand records passed in a second, by repetition.
func (c *Costs) rate() Sample {
	rate := make(Sample, len(c.Nanos))
	for i, nanos := range c.Nanos {
		rate[i] = 1e6 / nanos
	}
	return rate
}

// minus subtracts b from a, repetition by repetition.
func minus(a, b Sample) Sample {
	differences := make(Sample, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
	}
	return differences
}
