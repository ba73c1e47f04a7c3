//go:build ignore

// count reads what `go test -json` and vitest's JSON reporter wrote, shows what failed and what was skipped, and ends
// with the sum. The first argument is how many other steps failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// line is an event of go test, or the whole report of vitest.
type line struct {
	Action, Package, Test, Output, FailedBuild, ImportPath string

	NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests int
	TestResults                                                   []struct {
		Name, Message    string
		AssertionResults []struct {
			FullName, Status string
			FailureMessages  []string
		}
	}
}

func main() {
	failed, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	passed, skipped := 0, 0
	for _, name := range os.Args[2:] {
		f, err := os.Open(name)
		if err != nil {
			fmt.Println("FAIL: a report is missing:", err)
			failed++
			continue
		}
		said := map[string]string{} // by package and test
		failedTests := map[string]bool{}
		in := bufio.NewReader(f)
		for {
			text, err := in.ReadBytes('\n')
			if len(text) == 0 && errors.Is(err, io.EOF) {
				break
			}
			if text[0] != '{' {
				continue // said by a program that shares the output
			}
			var l line
			if err := json.Unmarshal(text, &l); err != nil {
				fmt.Printf("FAIL: read %s: %v\n", name, err)
				failed++
				break
			}
			passed += l.NumPassedTests
			failed += l.NumFailedTests
			skipped += l.NumPendingTests + l.NumTodoTests
			for _, file := range l.TestResults {
				if file.Message != "" {
					fmt.Printf("FAIL %s\n%s\n", file.Name, file.Message)
				}
				for _, r := range file.AssertionResults {
					if r.Status == "failed" {
						fmt.Printf("FAIL %s: %s\n%s\n", file.Name, r.FullName, strings.Join(r.FailureMessages, "\n"))
					}
				}
			}
			test := l.Package + " " + l.Test
			switch l.Action {
			case "build-output":
				said["build "+l.ImportPath] += l.Output
			case "output":
				said[test] += l.Output
			case "pass":
				if l.Test != "" {
					passed++
				}
				delete(said, test)
			case "skip":
				if l.Test != "" {
					skipped++
					fmt.Printf("SKIP %s\n%s", test, said[test])
				}
			case "fail":
				if l.Test != "" {
					failedTests[l.Package] = true
				} else if failedTests[l.Package] {
					break // its tests were counted
				}
				failed++
				fmt.Printf("FAIL %s\n%s%s", test, said["build "+l.FailedBuild], said[test])
			}
		}
		f.Close()
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		os.Exit(1)
	}
}
