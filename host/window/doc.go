// Package window opens the chat: in a window of its own, which is another program, else in the person's browser.
//
// Promise: there is one window; one that dies or loses its page comes back, one that is closed stays closed, and no link
// to the page is among the arguments of a program. In reading order: window.go (the one window), open.go (its process,
// and the browser), libraries.go (why it can't run here).
package window
