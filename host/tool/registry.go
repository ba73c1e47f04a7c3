package tool

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openvibez/openvibez/host/policy"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Tool is one thing that a model may call: how models are told of it, and the three steps of a call of it. Between the
// first and the last step policy decides, and perhaps a person.
type Tool struct {
	Declaration *providerv1.Tool
	// Brief is a declaration in few words, for where it will hardly be called; nil: there it is not offered.
	Brief *providerv1.Tool
	// Question is what a person is asked: "May this command run?"
	Question string
	// Changes tells that a call may change something.
	Changes bool
	// Prepare understands the arguments of a call, and says in Wants what policy is to decide about; nothing where the call
	// does nothing. An error is for the model to read.
	Prepare func(c *Call, arguments string) error
	// Look is the difference that a call would make now, to be shown to a person; nil: there is none to show.
	Look func(c *Call) string
	// Do carries out what was granted, to the end of all that it sets off, also when ctx ends.
	Do func(ctx context.Context, c *Call, g policy.Grant) (Result, error)
}

// Name is what the model calls it by.
func (t *Tool) Name() string { return t.Declaration.Name }

//go:embed *.md *.json
var words embed.FS

// declare reads the words of one of our tools.
func declare(name string) *providerv1.Tool {
	about, err := words.ReadFile(name + ".md")
	schema, schemaErr := words.ReadFile(name + ".json")
	var flat bytes.Buffer
	if err := errors.Join(err, schemaErr, json.Compact(&flat, schema)); err != nil {
		// They are part of the program.
		panic(fmt.Sprintf("the words of %s: %v", name, err))
	}
	return &providerv1.Tool{Name: name, Description: strings.TrimSpace(string(about)), ParametersSchema: flat.String(), Strict: true}
}

// brief is a declaration whose arguments, all text and all needed, speak for themselves.
func brief(name, about string, arguments ...string) *providerv1.Tool {
	type property struct {
		Type string `json:"type"`
	}
	schema := struct {
		Type       string              `json:"type"`
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
		More       bool                `json:"additionalProperties"`
	}{"object", map[string]property{}, arguments, false}
	for _, a := range arguments {
		schema.Properties[a] = property{"string"}
	}
	text, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("the words of %s: %v", name, err))
	}
	return &providerv1.Tool{Name: name, Description: about, ParametersSchema: string(text), Strict: true}
}

// all are our tools, and those from outside that there are now.
func (t *Tools) all() []*Tool {
	if t.Outside == nil {
		return t.ours
	}
	return slices.Concat(t.ours, t.Outside())
}

// Declarations are the tools as models are told of them.
func (t *Tools) Declarations() []*providerv1.Tool {
	var all []*providerv1.Tool
	for _, one := range t.all() {
		all = append(all, one.Declaration)
	}
	return all
}

// Briefly are those that are offered where they will hardly be called, in few words.
func (t *Tools) Briefly() []*providerv1.Tool {
	var all []*providerv1.Tool
	for _, one := range t.all() {
		if one.Brief != nil {
			all = append(all, one.Brief)
		}
	}
	return all
}

// ErrUnknown says that there is no such tool.
var ErrUnknown = errors.New("there is no tool")

// Prepare understands a call in a workspace, whose root is absolute and without symbolic links. An error is for the
// model to read.
func (t *Tools) Prepare(c *providerv1.ToolCall, root string) (*Call, error) {
	var names []string
	for _, one := range t.all() {
		if one.Name() == c.Name {
			p := &Call{ID: c.Id, Name: c.Name, Root: root, tool: one}
			return p, one.Prepare(p, c.ArgumentsJson)
		}
		names = append(names, one.Name())
	}
	return nil, fmt.Errorf("%w %q; there are %s", ErrUnknown, c.Name, strings.Join(names, ", "))
}

// Do carries out a call as it was granted; one that wants nothing needs no grant.
func (t *Tools) Do(ctx context.Context, c *Call, g policy.Grant) (Result, error) {
	if c.Harmless() {
		return c.tool.Do(ctx, c, g)
	}
	o, isOutside := g.Outside()
	same := g.Command() == c.Wants.Command && g.Read() == c.Wants.Read && g.Write() == c.Wants.Write && isOutside == (c.Wants.Outside != nil)
	if !g.OK() || !same || g.Root() != c.Root || isOutside && o != *c.Wants.Outside {
		return Result{}, errors.New("carry out a call: what was granted is something else")
	}
	return c.tool.Do(ctx, c, g)
}
