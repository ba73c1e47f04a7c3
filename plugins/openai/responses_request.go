package main

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// responsesRequest is the turn as the Responses API wants it.
func (t *turn) responsesRequest(background bool) (responses.ResponseNewParams, error) {
	o, x := t.req.GetOptions(), t.extras
	body := responses.ResponseNewParams{
		Model: t.req.GetModel(),
		Input: responses.ResponseNewParamsInputUnion{OfInputItemList: t.input()},
		// Nothing stays at the provider, unless it has to for an answer to be fetched later.
		Store: param.NewOpt(background),
	}
	if background {
		body.Background = param.NewOpt(true)
	}
	if instructions := instructions(t.req.GetMessages()); instructions != "" {
		body.Instructions = param.NewOpt(instructions)
	}
	if o != nil && o.Temperature != nil {
		body.Temperature = param.NewOpt(o.GetTemperature())
	}
	if o.GetMaxOutputTokens() > 0 {
		body.MaxOutputTokens = param.NewOpt(o.GetMaxOutputTokens())
	}
	if x.effort != "" {
		body.Reasoning.Effort = shared.ReasoningEffort(x.effort)
	}
	if x.summary {
		body.Reasoning.Summary = shared.ReasoningSummaryAuto
	}
	if x.include {
		body.Include = []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent}
	}
	body.Text.Verbosity = responses.ResponseTextConfigVerbosity(x.verbosity)
	body.ServiceTier = responses.ResponseNewParamsServiceTier(x.tier)
	for _, tool := range t.req.GetTools() {
		encoded, err := t.tools.encode(tool, x.strict)
		if err != nil {
			return body, err
		}
		function := param.Override[responses.FunctionToolParam](encoded)
		body.Tools = append(body.Tools, responses.ToolUnionParam{OfFunction: &function})
	}
	schema, strict, err := answerSchema(o)
	if err != nil {
		return body, err
	}
	if schema != nil {
		format := param.Override[responses.ResponseFormatTextJSONSchemaConfigParam](map[string]any{
			"type": "json_schema", "name": "answer", "schema": schema, "strict": strict && x.strict,
		})
		body.Text.Format.OfJSONSchema = &format
	}
	return body, nil
}

// encodedTools keeps how tools are written: they are the same at nearly every turn.
type encodedTools struct {
	mu   sync.Mutex
	kept map[encodedKey]json.RawMessage
}

type encodedKey struct {
	name, description, schema string
	strict                    bool
}

// keptTools is how many may be kept.
const keptTools = 64

func (e *encodedTools) encode(t *providerv1.Tool, strict bool) (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := encodedKey{t.GetName(), t.GetDescription(), t.GetParametersSchema(), strict && t.GetStrict()}
	if found := e.kept[key]; found != nil {
		return found, nil
	}
	schema, enforced, err := toolSchema(t)
	if err != nil {
		return nil, err
	}
	// The library would sort the schema's properties, and their order is the order in which the model writes them.
	encoded, err := json.Marshal(struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
		Strict      bool            `json:"strict"`
	}{"function", t.GetName(), t.GetDescription(), schema, enforced && strict})
	if err != nil {
		return nil, err
	}
	if e.kept == nil || len(e.kept) >= keptTools {
		e.kept = map[encodedKey]json.RawMessage{}
	}
	e.kept[key] = encoded
	return encoded, nil
}

// instructions joins the system messages at the beginning.
func instructions(messages []*providerv1.Message) string {
	var all []string
	for _, m := range messages {
		if m.GetRole() != providerv1.Role_ROLE_SYSTEM {
			break
		}
		all = append(all, texts(m))
	}
	return strings.Join(all, "\n\n")
}

// input is the conversation as items.
func (t *turn) input() responses.ResponseInputParam {
	var items responses.ResponseInputParam
	messages := t.req.GetMessages()
	called := map[string]bool{}
	begun := false
	for i, m := range messages {
		begun = begun || m.GetRole() != providerv1.Role_ROLE_SYSTEM
		switch m.GetRole() {
		case providerv1.Role_ROLE_SYSTEM:
			if text := texts(m); begun && text != "" {
				items = append(items, responses.ResponseInputItemParamOfMessage(text, responses.EasyInputMessageRoleDeveloper))
			}
		case providerv1.Role_ROLE_ASSISTANT:
			said, calls := t.assistantItems(m)
			items = append(items, said...)
			results := resultsAfter(messages[i+1:])
			for _, id := range calls {
				called[id] = true
				if results[id] == nil {
					items = append(items, outputItem(id, noResult))
				}
			}
		case providerv1.Role_ROLE_TOOL:
			for _, p := range m.GetParts() {
				r := p.GetToolResult()
				switch {
				case r == nil:
				case called[r.GetCallId()]:
					items = append(items, outputItem(r.GetCallId(), resultText(r)))
				default:
					// A result of no known call would be refused.
					items = append(items, responses.ResponseInputItemParamOfMessage("Result of the tool "+r.GetName()+": "+resultText(r), responses.EasyInputMessageRoleUser))
				}
			}
		default:
			if content := userContent(m); len(content) > 0 {
				items = append(items, responses.ResponseInputItemParamOfMessage(content, responses.EasyInputMessageRoleUser))
			}
		}
	}
	return items
}

// assistantItems is a turn of the model as it was, with its reasoning, or else as it can be told again.
func (t *turn) assistantItems(m *providerv1.Message) (items responses.ResponseInputParam, calls []string) {
	if raw, ids, ok := t.keptItems(m.GetProviderState()); ok {
		for _, item := range raw {
			kept := param.Override[responses.EasyInputMessageParam](item)
			items = append(items, responses.ResponseInputItemUnionParam{OfMessage: &kept})
		}
		return items, ids
	}
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			if part.Text != "" {
				items = append(items, responses.ResponseInputItemParamOfMessage(part.Text, responses.EasyInputMessageRoleAssistant))
			}
		case *providerv1.Part_ToolCall:
			call := part.ToolCall
			items = append(items, responses.ResponseInputItemParamOfFunctionCall(object(call.GetArgumentsJson()), call.GetId(), call.GetName()))
			calls = append(calls, call.GetId())
		}
	}
	return items, calls
}

func outputItem(callID, output string) responses.ResponseInputItemUnionParam {
	item := responses.ResponseInputItemParamOfFunctionCallOutput(output)
	item.OfFunctionCallOutput.CallID = param.NewOpt(callID)
	return item
}

func userContent(m *providerv1.Message) responses.ResponseInputMessageContentListParam {
	var content responses.ResponseInputMessageContentListParam
	for _, p := range m.GetParts() {
		switch part := p.GetPart().(type) {
		case *providerv1.Part_Text:
			if part.Text != "" {
				content = append(content, responses.ResponseInputContentParamOfInputText(part.Text))
			}
		case *providerv1.Part_Image:
			image := responses.ResponseInputContentParamOfInputImage(responses.ResponseInputImageDetailAuto)
			image.OfInputImage.ImageURL = param.NewOpt(dataURL(part.Image, "image/png"))
			content = append(content, image)
		case *providerv1.Part_File:
			if text, ok := fileText(part.File); ok {
				content = append(content, responses.ResponseInputContentParamOfInputText(text))
				continue
			}
			content = append(content, responses.ResponseInputContentUnionParam{OfInputFile: &responses.ResponseInputFileParam{
				Filename: param.NewOpt(fileName(part.File)), FileData: param.NewOpt(dataURL(part.File, "application/octet-stream")),
			}})
		}
	}
	return content
}
