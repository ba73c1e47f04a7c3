//go:build webview && !linux

package main

import (
	"errors"

	webview "github.com/webview/webview_go"
)

// window is the system's own web view, with what webview_go can do everywhere: it can't be raised.
type window struct{ view webview.WebView }

func open(o order) (*window, error) {
	w := &window{view: webview.New(o.DevTools)}
	if w.view == nil {
		return nil, errors.New("this system has no web view")
	}
	w.view.SetTitle(o.Title)
	w.view.SetSize(420, 480, webview.HintMin)
	w.view.SetSize(1100, 760, webview.HintNone)
	w.view.Navigate(o.URL)
	return w, nil
}

func (w *window) run() { w.view.Run() }

func (w *window) raise() {}

func (w *window) close() { w.view.Terminate() }

func (w *window) show(fragment string) {
	w.view.Dispatch(func() { w.view.Eval(goTo(fragment)) })
}

// There is no dialog here: questions are answered in the tray or in a terminal.
func (w *window) ask(question) {}

func (w *window) unask() {}

func (w *window) answers() <-chan answer { return nil }
