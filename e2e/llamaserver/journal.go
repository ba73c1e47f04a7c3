package main

import (
	"fmt"
	"os"
)

// journal records what became of each request, one "event key" a line, for tests to read.
type journal struct {
	file *os.File
}

func openJournal(path string) (*journal, error) {
	if path == "" {
		return &journal{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &journal{file: f}, nil
}

func (j *journal) write(event, key string) {
	if j.file != nil {
		fmt.Fprintf(j.file, "%s %.100q\n", event, key)
	}
}
