package main

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// texts joins the texts of a message.
func texts(m *providerv1.Message) string {
	var all []string
	for _, p := range m.GetParts() {
		if t := p.GetText(); t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "\n\n")
}

// thoughts joins the thoughts of a message.
func thoughts(m *providerv1.Message) string {
	var b strings.Builder
	for _, p := range m.GetParts() {
		b.WriteString(p.GetThought())
	}
	return b.String()
}

// fileText gives a file that is text as part of the conversation; false for all others.
func fileText(file *providerv1.Blob) (string, bool) {
	if !utf8.Valid(file.GetData()) || strings.ContainsRune(string(file.GetData()), 0) || file.GetMediaType() == "application/pdf" {
		return "", false
	}
	fence := "```"
	for strings.Contains(string(file.GetData()), fence) {
		fence += "`"
	}
	return file.GetName() + ":\n" + fence + "\n" + string(file.GetData()) + "\n" + fence, true
}

// dataURL puts a blob into an address, as both APIs want images and files.
func dataURL(b *providerv1.Blob, otherwise string) string {
	kind := b.GetMediaType()
	if kind == "" {
		kind = otherwise
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b.GetData())
}

func fileName(b *providerv1.Blob) string {
	if b.GetName() == "" {
		return "file"
	}
	return b.GetName()
}

// resultText is what a tool gave, as the model is told.
func resultText(r *providerv1.ToolResult) string {
	if r.GetFailed() {
		return "The tool failed: " + r.GetContent()
	}
	return r.GetContent()
}

// noResult is told of a call whose result is in no message; both APIs refuse a call without one.
const noResult = "No result of this call is known. It may or may not have been carried out."

// resultsAfter gives the results that follow a message, up to the next one of the model, by call.
func resultsAfter(messages []*providerv1.Message) map[string]*providerv1.ToolResult {
	found := map[string]*providerv1.ToolResult{}
	for _, m := range messages {
		if m.GetRole() == providerv1.Role_ROLE_ASSISTANT {
			break
		}
		for _, p := range m.GetParts() {
			if r := p.GetToolResult(); r != nil && found[r.GetCallId()] == nil {
				found[r.GetCallId()] = r
			}
		}
	}
	return found
}
