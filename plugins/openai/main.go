// Command openvibez-provider-openai is the provider for OpenAI, and for the many servers that speak as OpenAI does.
package main

import "github.com/openvibez/openvibez/sdk"

func main() { sdk.Serve(&openAI{}) }
