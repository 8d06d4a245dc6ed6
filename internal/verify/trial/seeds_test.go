package trial_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/streamport-go/streamport/internal/verify/env/mem"
	"github.com/streamport-go/streamport/internal/verify/history"
	"github.com/streamport-go/streamport/internal/verify/trial"
	"github.com/streamport-go/streamport/memory"
)

func TestDebug(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	codes := map[string]int{}
	shown := map[string]bool{}
	ops := 0
	begun := time.Now()
	for s := from; s < from+n; s++ {
		o := mem.Profile{Profile: memory.Profile(s % 3)}
		tr := trial.New(o, uint64(s))
		res := tr.Run(t)
		ops += len(res.Ops)
		for _, c := range res.Report.Codes() {
			codes[c]++
		}
		for _, a := range res.Report.Anomalies {
			if !shown[a.Code] {
				shown[a.Code] = true
				t.Logf("seed %d %v %+v\n%v", s, o.Profile, tr.Plan, a)
			}
		}
		if os.Getenv("SHOW") != "" {
			t.Log(trial.Show(res.Ops))
			t.Log(res.Report.Err())
		}
		if os.Getenv("HASH") == "" || !tr.Plan.Repeats() {
			continue
		}
		codes["REPEATED"]++
		if res2 := tr.Run(t); trial.Hash(res.Ops) != trial.Hash(res2.Ops) {
			codes["HASH"]++
			t.Logf("hash seed %d %v", s, tr.Plan)
			for i := range res.Ops {
				a, b := res.Ops[i], history.Op{}
				if i < len(res2.Ops) {
					b = res2.Ops[i]
				}
				a.Seq, b.Seq = 0, 0
				if fmt.Sprint(a) != fmt.Sprint(b) {
					for k := max(0, i-3); k < i+2; k++ {
						t.Logf("%d\n%+v\n%+v", k, res.Ops[k], res2.Ops[k])
					}
					break
				}
			}
		}
	}
	t.Log(codes, ops, time.Since(begun))
}
