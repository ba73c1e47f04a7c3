package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"time"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

const (
	// foundBegin and foundEnd enclose what was found, in what SQLite gives back: characters that are none.
	foundBegin, foundEnd = "\ufdd0", "\ufdd1"
	// ranked is how many of the newest hits are compared when the best come first. To compare all of them, a word that
	// occurs everywhere would have to be looked up everywhere.
	ranked = 200
	// clockSlack is how far the order of entries may differ from that of their times, by which they are found.
	clockSlack = int64(24 * time.Hour / time.Millisecond)
)

// SearchSessions finds final text of people and models. All words have to occur; "a phrase" does as it stands, inter* as
// the beginning of a word, if it has three letters. Accents and case do not count. Newest is what came last into the
// database; ranked compares the newest 200 hits only. What was deleted is not found.
func (s *Store) SearchSessions(ctx context.Context, req *apiv1.SearchSessionsRequest) (*apiv1.SearchSessionsResponse, error) {
	terms := termsOf(req.Query)
	if len(terms) == 0 {
		return nil, fmt.Errorf("%w: there is no word to look for in %.60q; write words, \"a phrase\", or a beginning such as inter*", ErrInvalid, req.Query)
	}
	limit := int(req.Limit)
	if limit <= 0 {
		limit = 20
	}
	limit = min(limit, 100)
	page, err := parseSearchToken(req.PageToken)
	if err != nil {
		return nil, err
	}
	res := &apiv1.SearchSessionsResponse{}
	err = s.readLong(ctx, func(v view) (err error) {
		q := searchQuery{below: page.below, limit: limit + 1}
		if q.match, q.wide, q.beginnings, err = v.match(terms); err != nil {
			return err
		}
		if err := q.narrow(v, req); err != nil {
			return err
		}
		if req.Ranked {
			q.limit, q.whole = ranked, true
		}
		hits, err := q.run(v)
		if err != nil {
			return err
		}
		if req.Ranked {
			if len(hits) > 0 {
				// What comes in meanwhile is not to move the next pages.
				page.below = hits[0].id + 1
			}
			hits = best(hits)
			hits = hits[min(page.skip, len(hits)):]
		}
		if len(hits) > limit {
			hits = hits[:limit]
			next := searchPage{below: hits[limit-1].id}
			if req.Ranked {
				next = searchPage{below: page.below, skip: page.skip + limit}
			}
			res.NextPageToken = next.token()
		}
		res.Hits, err = v.searchHits(hits)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// searchPage is where a page of hits begins: below an entry's id and, among ranked ones, after so many.
type searchPage struct {
	below int64
	skip  int
}

func (p searchPage) token() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d", p.below, p.skip))
}

func parseSearchToken(token string) (p searchPage, err error) {
	if p.below = math.MaxInt64; token == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d", &p.below, &p.skip)
	}
	if err != nil || p.skip < 0 {
		return p, fmt.Errorf("%w: the page token %q is none that a search gave; leave it out to begin with the first page", ErrInvalid, token)
	}
	return p, nil
}
