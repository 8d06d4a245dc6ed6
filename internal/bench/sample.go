package main

import (
	"cmp"
	"runtime"
	"slices"
	"time"
)

// A Sample is one quantity measured again and again, in the order of measurement.
type Sample []float64

// Median is the middle value, or the mean of the two middle ones; 0 of nothing.
func (s Sample) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Min is the least value; 0 of nothing.
func (s Sample) Min() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Min(s)
}

// Max is the greatest value; 0 of nothing.
func (s Sample) Max() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.MaxFunc(s, cmp.Compare)
}

// Over divides s by other, repetition by repetition: what disturbs the machine for a while disturbs both. Both have the
// same length.
func (s Sample) Over(other Sample) Sample {
	if len(s) != len(other) {
		panic("bench: samples of different lengths cannot be paired")
	}
	ratios := make(Sample, len(s))
	for i := range s {
		ratios[i] = s[i] / other[i]
	}
	return ratios
}

// times multiplies each value.
func (s Sample) times(factor float64) Sample {
	scaled := make(Sample, len(s))
	for i := range s {
		scaled[i] = s[i] * factor
	}
	return scaled
}

// A Cost is what one stretch of work cost a record.
type Cost struct {
	Nanos  float64
	CPU    float64 // nanoseconds of all processors together; 0 where it is not known
	Allocs float64
	Bytes  float64 // allocated
}

// per is the cost of each of n records, if c is what they cost together.
func (c Cost) per(n int) Cost {
	each := 1 / float64(n)
	return Cost{Nanos: c.Nanos * each, CPU: c.CPU * each, Allocs: c.Allocs * each, Bytes: c.Bytes * each}
}

// Costs are the costs of one side, by repetition.
type Costs struct {
	Nanos, CPU, Allocs, Bytes Sample
}

func (c *Costs) add(one Cost) {
	c.Nanos = append(c.Nanos, one.Nanos)
	c.CPU = append(c.CPU, one.CPU)
	c.Allocs = append(c.Allocs, one.Allocs)
	c.Bytes = append(c.Bytes, one.Bytes)
}

// measure runs f, which deals with n records, after a garbage collection, and says what it cost a record. The process's
// allocations are counted, so nothing else may run.
func measure(n int, f func() error) (Cost, error) {
	runtime.GC()
	began := takeReading()
	err := f()
	return takeReading().since(began, n), err
}

// A reading is what the clocks and counters of this process show at one moment.
type reading struct {
	time           time.Time
	cpu            time.Duration
	mallocs, bytes uint64
}

func takeReading() reading {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return reading{time: time.Now(), cpu: cpuTime(), mallocs: m.Mallocs, bytes: m.TotalAlloc}
}

// since says what each of n records cost from began to r.
func (r reading) since(began reading, n int) Cost {
	per := 1 / float64(n)
	return Cost{
		Nanos:  float64(r.time.Sub(began.time).Nanoseconds()) * per,
		CPU:    float64((r.cpu - began.cpu).Nanoseconds()) * per,
		Allocs: float64(r.mallocs-began.mallocs) * per,
		Bytes:  float64(r.bytes-began.bytes) * per,
	}
}
