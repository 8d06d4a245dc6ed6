package confdoc

import (
	"slices"
	"strconv"
	"strings"
)

// Without returns a copy of the tree without the key or list item at path, to find out what a mistake depends on. The
// other items of the list keep their numbers. What path does not lead to is left as it is.
func (n *Node) Without(path string) *Node {
	head, rest := step(path)
	copied := *n
	switch {
	case n.Kind == List && strings.HasPrefix(head, "["):
		i, err := strconv.Atoi(strings.Trim(head, "[]"))
		if err != nil || i >= len(n.Items) {
			return n
		}
		copied.Items = slices.Clone(n.Items)
		switch {
		case rest == "":
			copied.Items[i] = nil
		case n.Items[i] != nil:
			copied.Items[i] = n.Items[i].Without(rest)
		}
	case n.Kind == Map:
		i := slices.IndexFunc(n.Fields, func(f Field) bool { return f.Key == head })
		if i < 0 {
			return n
		}
		copied.Fields = slices.Clone(n.Fields)
		if rest == "" {
			copied.Fields = slices.Delete(copied.Fields, i, i+1)
		} else {
			copied.Fields[i].Value = n.Fields[i].Value.Without(rest)
		}
	}
	return &copied
}

// step takes the first key or index off a path.
func step(path string) (head, rest string) {
	end := strings.IndexAny(path[min(1, len(path)):], ".[") + 1
	if end == 0 {
		return path, ""
	}
	return path[:end], strings.TrimPrefix(path[end:], ".")
}
