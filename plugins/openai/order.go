package main

import (
	"hash/maphash"
	"slices"
	"strings"
)

const (
	// maxHeld is how many events are kept back for one that is missing.
	maxHeld = 32
	// remembered is how many events are known by their content.
	remembered = 64
)

// order puts events into the order of their numbers and drops those that came before. Servers that do not number
// their events, or do so wrongly, are taken as they come.
type order struct {
	handle func(*event) (stop bool, err error)

	begun, off bool
	next       int64
	held       []*event // sorted
	seed       maphash.Seed
	seen       [remembered]struct{ number, hash uint64 }
}

func newOrder(handle func(*event) (bool, error)) *order {
	return &order{handle: handle, seed: maphash.MakeSeed()}
}

// take handles an event, at once or when its turn has come.
func (o *order) take(ev *event, raw []byte) (stop bool, err error) {
	if o.off || ev.Sequence == nil {
		return o.handle(ev)
	}
	number, hash := *ev.Sequence, maphash.Bytes(o.seed, raw)
	if !o.begun {
		o.begun = true
		if number == 0 || ev.Type == "response.created" {
			o.next = number
		}
	}
	if number < o.next {
		if seen := o.seen[uint64(number)%remembered]; seen.number != uint64(number) || seen.hash == hash {
			return false, nil
		}
		// The same number for something else: it is no order.
		o.off = true
		if stop, err := o.flush(); stop || err != nil {
			return stop, err
		}
		return o.handle(ev)
	}
	if number == o.next && len(o.held) == 0 {
		return o.pass(ev, hash)
	}
	at, found := slices.BinarySearchFunc(o.held, number, func(e *event, n int64) int { return int(*e.Sequence - n) })
	if found {
		return false, nil
	}
	o.held = slices.Insert(o.held, at, ev)
	ev.hash = hash
	for len(o.held) > 0 && *o.held[0].Sequence == o.next {
		ready := o.held[0]
		o.held = o.held[1:]
		if stop, err := o.pass(ready, ready.hash); stop || err != nil {
			return stop, err
		}
	}
	if len(o.held) > maxHeld {
		o.off = true
	}
	if o.off || ev.ends() {
		return o.flush()
	}
	return false, nil
}

func (o *order) pass(ev *event, hash uint64) (bool, error) {
	o.seen[uint64(*ev.Sequence)%remembered] = struct{ number, hash uint64 }{uint64(*ev.Sequence), hash}
	o.next = max(o.next, *ev.Sequence+1)
	return o.handle(ev)
}

// flush handles what is kept back, without what is missing. Events that hold a whole piece go before those that hold a
// part of one, so that they make good what is missing.
func (o *order) flush() (stop bool, err error) {
	held := o.held
	o.held = nil
	rank := func(ev *event) int {
		switch {
		case ev.ends():
			return 2
		case strings.HasSuffix(ev.Type, ".delta"):
			return 1
		}
		return 0
	}
	slices.SortStableFunc(held, func(a, b *event) int { return rank(a) - rank(b) })
	for _, ev := range held {
		if stop, err := o.pass(ev, ev.hash); stop || err != nil {
			return stop, err
		}
	}
	return false, nil
}
