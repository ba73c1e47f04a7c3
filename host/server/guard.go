package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

// contentPolicy lets the page load its own files and speak to its own host, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type passKey struct{}

// guarded is all that loopback serves, to programs of the same user only: the page's files to any, /auth for a token, the
// API for a pass.
func (p *page) guarded(port int, api http.Handler) http.Handler {
	host := fmt.Sprintf("127.0.0.1:%d", port)
	files := p.files()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")

		if caller, _ := r.Context().Value(callerKey{}).(*caller); caller == nil || !caller.ours(p.owner) {
			http.Error(w, "this server is for another user of this machine", http.StatusForbidden)
			return
		}
		// A name that resolves to this machine is not this machine's name: that is how rebinding works.
		if r.Host != host {
			http.Error(w, "this server is called "+host, http.StatusMisdirectedRequest)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+host {
			http.Error(w, "requests of other sites are not answered", http.StatusForbidden)
			return
		}
		isAuth, isAPI := r.URL.Path == "/auth", strings.HasPrefix(r.URL.Path, "/openvibez.api.v1.")
		if !isAuth && !isAPI {
			files.ServeHTTP(w, r)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
			http.Error(w, "requests of other sites are not answered", http.StatusForbidden)
			return
		}
		h.Set("Cache-Control", "no-store")
		one := p.passes.verify(port, r.Header.Get(passHeader))
		if isAuth {
			p.authenticate(w, r, port, one)
			return
		}
		if one == nil {
			// The shape of a Connect error, so that the page shows the words.
			h.Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{
				"code":    "unauthenticated",
				"message": "this page is not signed in: open the chat again from the tray or with `openvibez open`",
			})
			return
		}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), passKey{}, one))
		defer cancel()
		defer context.AfterFunc(one.life, cancel)()
		api.ServeHTTP(w, r.WithContext(ctx))
	})
}

// authenticate swaps a one-time token, the request's body, for a pass; and without one a pass that has become old for
// another. What is good as it is gets no content.
func (p *page) authenticate(w http.ResponseWriter, r *http.Request, port int, one *pass) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send the token with POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1024))
	if err != nil {
		http.Error(w, "that is no token", http.StatusBadRequest)
		return
	}
	token, secret := strings.TrimSpace(string(body)), ""
	if token == "" && one != nil {
		secret = p.passes.renew(one)
	} else if who, ok := p.tokens.redeem(token); ok {
		secret = p.passes.issue(port, who)
	} else {
		http.Error(w, "this link has been used or is older than ten minutes: make a new one with `openvibez open`", http.StatusUnauthorized)
		return
	}
	if secret == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, secret)
}

type callerKey struct{}

// caller is the program at the other end of a connection.
type caller struct {
	here, there net.Addr
	once        sync.Once
	allowed     bool
}

// remember is asked about each new connection; the kernel is asked only when it is first used.
func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller{here: c.LocalAddr(), there: c.RemoteAddr()})
}

// ours tells whether it runs as the same user.
func (c *caller) ours(owner func(here, there *net.TCPAddr) (uid int, known bool)) bool {
	c.once.Do(func() {
		here, isTCP := c.here.(*net.TCPAddr)
		there, alsoTCP := c.there.(*net.TCPAddr)
		if !isTCP || !alsoTCP {
			return
		}
		uid, known := owner(here, there)
		c.allowed = !known || uid == os.Getuid()
	})
	return c.allowed
}
