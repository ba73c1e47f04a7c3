//go:build webview

package main

/*
#cgo pkg-config: gtk+-3.0 webkit2gtk-4.1
#include <stdlib.h>
#include "window_linux.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"unsafe"

	webview "github.com/webview/webview_go"

	"github.com/openvibez/openvibez/ui/icon"
)

// window is a GTK window with a web view in it. Its methods may be called from any goroutine, except run.
type window struct {
	view   webview.WebView
	handle unsafe.Pointer
}

func open(o order) (*window, error) {
	page, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read the page's address: %w", err)
	}
	// Without a graphics card the DMA-BUF renderer only costs memory, some 80 MB of it; with some it leaves the window blank.
	if _, set := os.LookupEnv("WEBKIT_DISABLE_DMABUF_RENDERER"); !set {
		os.Setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
	}
	title, origin := C.CString(o.Title), C.CString(page.Scheme+"://"+page.Host+"/")
	defer C.free(unsafe.Pointer(title))
	defer C.free(unsafe.Pointer(origin))

	handle := C.window_new(title, unsafe.Pointer(&icon.App[0]), C.size_t(len(icon.App)))
	if handle == nil {
		return nil, errors.New("no display can be reached (DISPLAY and WAYLAND_DISPLAY name it)")
	}
	w := &window{handle: handle, view: webview.NewWindow(o.DevTools, handle)}
	var inspect C.int
	if o.DevTools {
		inspect = 1
	}
	C.window_attach(handle, origin, inspect)
	w.view.Navigate(o.URL)
	return w, nil
}

// run handles events until the window is closed. It must be called on the main thread. The view is not destroyed
// afterwards: GTK has done so with the window.
func (w *window) run() { w.view.Run() }

func (w *window) raise() { w.view.Dispatch(func() { C.window_raise(w.handle) }) }

func (w *window) close() { w.view.Dispatch(func() { C.window_close(w.handle) }) }

// show takes the page to a fragment such as "#session=ID".
func (w *window) show(fragment string) {
	w.view.Dispatch(func() {
		s := C.CString(goTo(fragment))
		defer C.free(unsafe.Pointer(s))
		C.window_eval(w.handle, s)
	})
}

// ask shows a question in a dialog of the window's own; at most one is open.
func (w *window) ask(q question) {
	w.view.Dispatch(func() {
		id, text, subject := C.CString(q.ID), C.CString(q.Text), C.CString(q.Subject)
		defer C.free(unsafe.Pointer(id))
		defer C.free(unsafe.Pointer(text))
		defer C.free(unsafe.Pointer(subject))
		C.window_ask(id, text, subject)
	})
}

// unask takes the dialog away: the question was answered elsewhere, or nobody waits for the answer any more.
func (w *window) unask() { w.view.Dispatch(func() { C.window_ask_over() }) }

// answers is where the person's answers go; a window is the only one of its process.
var answers = make(chan answer, 4)

//export windowAnswered
func windowAnswered(id *C.char, allow C.int) {
	select {
	case answers <- answer{C.GoString(id), allow != 0}:
	default:
	}
}

func (w *window) answers() <-chan answer { return answers }
