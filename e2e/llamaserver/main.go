// Package main stands in for llama.cpp's llama-server, so that a real Ollama answers from scripts.
//
// Ollama starts it as it starts the real one and speaks to it over HTTP. Everything but the choice of the next word is
// Ollama's own: prompt template, tool and thinking parsers, streaming, scheduling, cancelling and errors. Called as
// `llamaserver keep COMMAND...` it runs a command that must not outlive the caller.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "keep" {
		os.Exit(keep(os.Args[2:]))
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "llama-server:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("llama-server", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	port := flags.Int("port", 0, "")
	size := flags.Int("c", 4096, "")
	slots := flags.Int("np", 1, "")
	model := flags.String("model", "", "")
	list := flags.Bool("list-devices", false, "")
	if err := flags.Parse(known(args)); err != nil {
		return fmt.Errorf("read arguments: %w", err)
	}
	if *list {
		fmt.Println("Available devices:")
		return nil
	}
	// Ollama waits for this line when it looks for graphics cards.
	fmt.Fprintln(os.Stderr, "system_info: n_threads = 1 | scripted |")

	load, err := loadTime()
	if err != nil {
		return err
	}
	sees, err := vision(*model)
	if err != nil {
		return err
	}
	journal, err := openJournal(os.Getenv("LLAMASERVER_LOG"))
	if err != nil {
		return err
	}
	e := &engine{
		context: *size / max(*slots, 1),
		ready:   time.Now().Add(load),
		media:   os.Getenv("LLAMA_MEDIA_MARKER"),
		sees:    sees,
		journal: journal,
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: e.handler(), ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

// known keeps the arguments this engine understands of the many that Ollama passes.
func known(args []string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "--list-devices":
			kept = append(kept, args[i])
		case "--port", "--model", "-c", "-np":
			if i+1 < len(args) {
				kept = append(kept, args[i], args[i+1])
				i++
			}
		}
	}
	return kept
}

// loadTime is how long the engine pretends to load its model.
func loadTime() (time.Duration, error) {
	text := os.Getenv("LLAMASERVER_LOAD")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("read LLAMASERVER_LOAD: %w", err)
	}
	return d, nil
}

// vision tells whether the model's file says that it takes images.
func vision(model string) (bool, error) {
	if model == "" {
		return false, nil
	}
	file, err := os.ReadFile(model)
	if err != nil {
		return false, fmt.Errorf("read model: %w", err)
	}
	return bytes.Contains(file, []byte(".vision.block_count")), nil
}
