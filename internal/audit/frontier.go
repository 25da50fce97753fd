package audit

import (
	"golang.org/x/mod/sumdb/tlog"
)

// frontier is a Merkle tree as far as growing it needs: the roots of its complete subtrees, largest first.
type frontier struct {
	size  int64
	roots []Hash
}

// frontierPositions are the places in audit_tree of the roots of a tree of that size, largest subtree first.
func frontierPositions(size int64) []int64 {
	var positions []int64
	done := int64(0)
	for level := 62; level >= 0; level-- {
		if width := int64(1) << level; size&width != 0 {
			positions = append(positions, tlog.StoredHashIndex(level, done>>level))
			done += width
		}
	}
	return positions
}

// add appends a leaf and appends to dst the hashes that it completes, in the order of storage: the leaf first. They
// belong at the positions from tlog.StoredHashCount(the size before) on.
func (f *frontier) add(dst []Hash, leaf Hash) []Hash {
	dst = append(dst, leaf)
	h := leaf
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.roots) - 1
		h = tlog.NodeHash(f.roots[last], h)
		f.roots = f.roots[:last]
		dst = append(dst, h)
	}
	f.roots = append(f.roots, h)
	f.size++
	return dst
}

// root is the hash of the whole tree, which has at least one leaf.
func (f *frontier) root() Hash {
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
