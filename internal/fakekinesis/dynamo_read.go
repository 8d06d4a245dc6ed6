package fakekinesis

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

type getItem struct {
	TableName      string
	Key            Item
	ConsistentRead bool
}

func (c *getItem) place() (name, id string) { return (&write{TableName: c.TableName}).place(c.Key) }

func (c *getItem) run(t *Tables) (any, error) {
	table, err := t.usable(c.TableName)
	if err != nil {
		return nil, err
	}
	id, err := table.key.only(c.Key)
	if err != nil {
		return nil, err
	}
	i := table.at(id, t.shown(c.ConsistentRead, id))
	if i == nil {
		return map[string]any{}, nil
	}
	return map[string]any{"Item": i}, nil
}

// shown is the time whose state a read sees. A read that is not consistent sees one of a while ago, which differs from read
// to read.
func (t *Tables) shown(consistent bool, what string) time.Time {
	now := time.Now()
	if consistent || t.options.Lag <= 0 {
		return now
	}
	draw := mix(t.options.Seed, word(what), uint64(now.UnixNano()))
	return now.Add(-time.Duration(draw % uint64(t.options.Lag)))
}

type scan struct {
	TableName         string
	ConsistentRead    bool
	ExclusiveStartKey Item
	Limit             *int
}

type scanAnswer struct {
	Items            []Item
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item `json:",omitempty"`
}

func (c *scan) place() (name, id string) { return c.TableName, "" }

// run answers a page. Items come in an order that has nothing to do with their keys, and the same one each time.
func (c *scan) run(t *Tables) (any, error) {
	table, err := t.usable(c.TableName)
	if err != nil {
		return nil, err
	}
	if c.Limit != nil && *c.Limit < 1 {
		return nil, invalid("Limit is at least 1")
	}
	place := func(id string) uint64 { return mix(t.options.Seed, word(id)) }
	ids := slices.SortedFunc(maps.Keys(table.rows), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	if c.ExclusiveStartKey != nil {
		after, err := table.key.only(c.ExclusiveStartKey)
		if err != nil {
			return nil, invalid("The provided starting key is invalid: %v", err)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool {
			return cmp.Or(cmp.Compare(place(id), place(after)), cmp.Compare(id, after)) <= 0
		})
	}
	return c.page(table, ids, t), nil
}

// page takes items until one fills it: the service stops after the item with which 1 MB is reached, and tells the last key
// even where nothing follows.
func (c *scan) page(table *table, ids []string, t *Tables) scanAnswer {
	answer, bytes, when := scanAnswer{Items: []Item{}}, 0, t.shown(c.ConsistentRead, "")
	most := t.options.PageItems
	if c.Limit != nil && (most == 0 || *c.Limit < most) {
		most = *c.Limit
	}
	for _, id := range ids {
		i := table.at(id, when)
		if i == nil {
			continue
		}
		answer.Items = append(answer.Items, i)
		if bytes += i.size(); bytes >= t.options.PageBytes || len(answer.Items) == most {
			answer.LastEvaluatedKey = table.key.item(id)
			break
		}
	}
	answer.Count, answer.ScannedCount = len(answer.Items), len(answer.Items)
	return answer
}
