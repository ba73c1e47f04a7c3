package server

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// files serves the built page. It holds no secrets, so it asks for none.
func (p *page) files() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "there is nothing to send here", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		if info, err := fs.Stat(p.s.UI, name); err != nil || info.IsDir() {
			http.NotFound(w, r)
			return
		}
		// Names of assets change with their content; the page that names them must always be fresh.
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		http.ServeFileFS(w, r, p.s.UI, name)
	})
}
