package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// contentPolicy lets the page load its own files and speak to its own host, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type visitorKey struct{}

// guarded is all that loopback serves: the page's files to anybody, /auth for a token, the API for a cookie.
func (p *page) guarded(port int, api http.Handler) http.Handler {
	host := fmt.Sprintf("127.0.0.1:%d", port)
	cookie := fmt.Sprintf("openvibez-%d", port)
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
		if isAuth {
			p.authenticate(w, r, port, cookie)
			return
		}
		var who visitor
		known := false
		if c, err := r.Cookie(cookie); err == nil {
			who, known = p.key.verify(port, c.Value)
		}
		if !known {
			// The shape of a Connect error, so that the page shows the words.
			h.Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{
				"code":    "unauthenticated",
				"message": "this page is not signed in: open the chat again from the tray or with `openvibez open`",
			})
			return
		}
		api.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, who)))
	})
}

// authenticate swaps a one-time token, the request's body, for a cookie.
func (p *page) authenticate(w http.ResponseWriter, r *http.Request, port int, cookie string) {
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
	who, ok := p.tokens.redeem(strings.TrimSpace(string(body)))
	if !ok {
		http.Error(w, "this link has been used or is older than ten minutes: make a new one with `openvibez open`", http.StatusUnauthorized)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name:     cookie,
		Value:    p.key.sign(port, who),
		Path:     "/",
		MaxAge:   int(cookieLife.Seconds()),
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	w.WriteHeader(http.StatusNoContent)
}
