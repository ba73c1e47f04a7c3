package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// plugin behaves as a plugin does: it listens on a socket in its directory, says so on standard output, talks to the
// host's socket, and answers what it is asked to try.
func plugin() {
	own, host := os.Getenv("PROBE_OWN"), os.Getenv("PROBE_HOST")
	l, err := net.Listen("unix", filepath.Join(own, "plugin"))
	if err != nil {
		fmt.Println("listen:", err)
		os.Exit(3)
	}
	c, err := net.Dial("unix", host)
	if err != nil {
		fmt.Println("dial:", err)
		os.Exit(4)
	}
	_, _ = c.Write([]byte("hello"))
	_ = c.Close()
	env := os.Environ()
	sort.Strings(env)
	_ = json.NewEncoder(os.Stdout).Encode(env)
	_ = os.Unsetenv("PROBE_PLUGIN")
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(5)
		}
		var ask struct {
			What string
			Args []string
		}
		if json.NewDecoder(c).Decode(&ask) == nil {
			if ask.What == "hang" {
				time.Sleep(time.Hour)
			}
			words := "reached"
			if err := try(ask.What, ask.Args); err != nil {
				words = "held: " + err.Error()
			}
			_, _ = io.WriteString(c, words)
		}
		_ = c.Close()
	}
}
