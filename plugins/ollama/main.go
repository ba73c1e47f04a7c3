// Package main is the provider for Ollama: models that run on the user's own machine.
package main

import "github.com/openvibez/openvibez/sdk"

func main() { sdk.Serve(ollama{}) }
