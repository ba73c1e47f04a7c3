// Package main runs a real Ollama with scripted models, for a person to try OpenVibez with.
//
//	go run ./e2e/ollamatest/serve
//
// It listens where Ollama listens by default and prints what to type. Control-C ends it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/openvibez/openvibez/e2e/ollamatest"
)

func main() {
	address := flag.String("address", "127.0.0.1:11434", "where to listen")
	onlyBuild := flag.Bool("build", false, "build the server into the cache and stop")
	load := flag.Duration("load", 0, "how long the models take to load")
	flag.Parse()
	if err := run(*onlyBuild, ollamatest.Config{Address: *address, LoadTime: *load}); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(onlyBuild bool, cfg ollamatest.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if onlyBuild {
		path, err := ollamatest.Build(ctx)
		if err == nil {
			fmt.Println(path)
		}
		return err
	}
	directory, err := os.MkdirTemp("", "ollama-scripted-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	cfg.Directory = directory
	fmt.Println("Starting Ollama", ollamatest.Version, "(the first time it is built, which takes some minutes) ...")
	server, err := ollamatest.Run(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Printf("Ollama listens on %s\n", server.URL)
	fmt.Println("Models: scripted, scripted-plain, scripted-think, scripted-vision, scripted-small")
	fmt.Println("Say: hello, unicode, markdown, think, weather, slow, count 1000, endless, late 3000, empty, die")
	if cfg.Address != "127.0.0.1:11434" {
		fmt.Printf("Tell other programs: export OLLAMA_HOST=%s\n", cfg.Address)
	}
	<-ctx.Done()
	server.Stop()
	return nil
}
