package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// Time to wait before the first look at work in the background, and between looks.
const (
	firstLook = 2 * time.Second
	nextLook  = 5 * time.Second
)

// handle finds work in the background again.
type handle struct {
	ID    string `json:"id"`
	Model string `json:"model"`
}

func readHandle(text string) (handle, error) {
	var h handle
	if json.Unmarshal([]byte(text), &h) != nil || h.ID == "" {
		return h, sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "The work in the background can't be found again: what was kept of it is damaged. Ask again.").WithDetail(text)
	}
	return h, nil
}

// later ends the turn with work that goes on, or with its answer if that is there already.
func (r *response) later(res *http.Response) error {
	return r.look(res, firstLook)
}

func (r *response) look(res *http.Response, again time.Duration) error {
	var raw json.RawMessage
	if err := r.t.client.read(res, &raw); err != nil {
		return err
	}
	var head wholeResponse
	if json.Unmarshal(raw, &head) != nil || head.ID == "" {
		return r.t.client.notOpenAI(raw)
	}
	if head.Status != "queued" && head.Status != "in_progress" {
		return r.whole(raw)
	}
	r.refer(raw)
	text := "waiting for its turn at " + r.t.client.shortName()
	if head.Status == "in_progress" {
		text = "working at " + r.t.client.shortName()
	}
	encoded, err := json.Marshal(handle{head.ID, r.t.req.GetModel()})
	if err != nil {
		return err
	}
	r.t.watch.End()
	r.t.tellNotes()
	r.t.stream.Status(providerv1.Status_KIND_WORKING, text)
	r.t.stream.Background(string(encoded), again)
	return nil
}

// Poll looks once at work in the background.
func (p *openAI) Poll(ctx context.Context, req *providerv1.PollRequest, s *sdk.Stream) error {
	h, err := readHandle(req.GetHandle())
	if err != nil {
		return err
	}
	c, err := newClient(req.GetConnection())
	if err != nil {
		return err
	}
	ctx, watch := sdk.WatchSilence(ctx, s, p.silence(c))
	defer watch.Stop()
	t := &turn{client: c, req: &providerv1.RunRequest{RunId: req.GetRunId(), Connection: req.GetConnection(), Model: h.Model}, stream: s, watch: watch}
	res, err := c.through(h.Model, func(into option.RequestOption) error {
		_, err := c.responses.Get(ctx, h.ID, responses.ResponseGetParams{
			Include: []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent},
		}, into)
		return err
	})
	if gone(err) {
		return sdk.Errorf(providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "%s no longer knows this work in the background, so its answer is lost. Ask again.", c.name()).WithDetail(err.Error())
	}
	if err != nil {
		return watch.Explain(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	return watch.Explain(ctx, t.response(res).look(res, nextLook))
}

// CancelBackground stops work in the background.
func (p *openAI) CancelBackground(ctx context.Context, conn *providerv1.Connection, text string) error {
	h, err := readHandle(text)
	if err != nil {
		return err
	}
	c, err := newClient(conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := c.through(h.Model, func(into option.RequestOption) error {
		_, err := c.responses.Cancel(ctx, h.ID, into)
		return err
	})
	if finished(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	return nil
}

// gone tells of an answer that says that there is no such work.
func gone(err error) bool { return httpStatus(err) == http.StatusNotFound }

// finished tells of an answer that says that there is nothing to cancel.
func finished(err error) bool {
	return slices.Contains([]int32{http.StatusNotFound, http.StatusBadRequest, http.StatusConflict}, httpStatus(err))
}
