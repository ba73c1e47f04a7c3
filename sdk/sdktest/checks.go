package sdktest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// check is one part of the contract; run gives what is wrong.
type check struct {
	name string
	run  func(context.Context) (problems []string)
}

func (k *kit) checks() []check {
	each := func(name string, f func(context.Context, *subject) []string) check {
		return check{name, func(ctx context.Context) []string { return k.with(ctx, f) }}
	}
	checks := []check{
		each("describe", k.describe),
		each("check", k.check),
		each("models", k.models),
		each("conversation", k.conversation),
		each("cancel", k.cancel),
		each("many at once", k.many),
		each("unknown model", k.unknownModel),
		each("empty connection", k.emptyConnection),
	}
	if len(k.Script) > 0 {
		checks = append(checks, each("script", k.script))
	}
	if k.service != nil {
		for _, f := range faults() {
			checks = append(checks, each("fault: "+f.name, k.faulty(f)))
		}
	}
	return checks
}

// script: prompts with known answers are answered so.
func (k *kit) script(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	model := k.model(ctx, s)
	for _, line := range k.Script {
		t := s.run(ctx, k.request(model, said(providerv1.Role_ROLE_USER, line.Say)), nil)
		for _, p := range t.answered() {
			problems = append(problems, fmt.Sprintf("prompt %q: %s", line.Say, p))
		}
		if !strings.Contains(t.text(), line.Want) {
			problems = append(problems, fmt.Sprintf("prompt %q: the answer %q does not hold %q", line.Say, t.text(), line.Want))
		}
	}
	return problems
}

var pluginID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// describe: it says what it must, the same every time.
func (k *kit) describe(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	d, err := s.client.Describe(ctx, &providerv1.DescribeRequest{})
	if err != nil {
		return []string{"Describe: " + err.Error()}
	}
	bad := func(format string, args ...any) {
		problems = append(problems, "Describe: "+fmt.Sprintf(format, args...))
	}
	if !pluginID.MatchString(d.GetId()) {
		bad("id %q is not made of lower-case letters, digits and single dashes", d.GetId())
	}
	for field, value := range map[string]string{"name": d.GetName(), "description": d.GetDescription(), "version": d.GetVersion()} {
		if strings.TrimSpace(value) == "" {
			bad("%s is empty", field)
		}
	}
	if d.GetSettingsSchema() != "" && !isObject(d.GetSettingsSchema()) {
		bad("settings_schema is no JSON object: %s", d.GetSettingsSchema())
	} else if _, err := sdk.SecretSettings(d); err != nil {
		bad("settings_schema %v", err)
	}
	if u := d.GetDefaultBaseUrl(); u != "" && (!absolute(u) || strings.HasSuffix(u, "/")) {
		bad("default_base_url %q is no http or https address, or ends with a slash", u)
	}
	for _, o := range d.GetOrigins() {
		if u, err := url.Parse(o); err != nil || !absolute(o) || o != u.Scheme+"://"+u.Host {
			bad("origin %q is not of the form scheme://host[:port]", o)
		}
	}
	if d.GetKey() != nil && d.GetKey().GetHeader() == "" {
		bad("key has no header to travel in")
	}
	seen := map[providerv1.Feature]bool{}
	for _, f := range d.GetFeatures() {
		if _, known := providerv1.Feature_name[int32(f)]; !known || f == providerv1.Feature_FEATURE_UNSPECIFIED || seen[f] {
			bad("feature %v is unknown or listed twice", f)
		}
		seen[f] = true
	}
	if again, err := s.client.Describe(ctx, &providerv1.DescribeRequest{}); err != nil || !proto.Equal(d, again) {
		bad("the second time it said something else (%v)", err)
	}
	return problems
}

func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// check: the connection works and Check says what it found.
func (k *kit) check(ctx context.Context, s *subject) []string {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	res, err := s.client.Check(ctx, &providerv1.CheckRequest{Connection: k.Connection})
	if err != nil {
		return []string{"Check of the connection: " + words(err)}
	}
	if strings.TrimSpace(res.GetSummary()) == "" {
		return []string{"Check: the summary is empty; say what was found in a few words"}
	}
	return nil
}

// models: there are some, each told from the others.
func (k *kit) models(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	res, err := s.client.ListModels(ctx, &providerv1.ListModelsRequest{Connection: k.Connection})
	if err != nil {
		return []string{"ListModels: " + words(err)}
	}
	bad := func(format string, args ...any) {
		problems = append(problems, "ListModels: "+fmt.Sprintf(format, args...))
	}
	if len(res.GetModels()) == 0 {
		bad("there is no model")
	}
	ids := map[string]bool{}
	for i, m := range res.GetModels() {
		if m.GetId() == "" || ids[m.GetId()] {
			bad("the id %q of model %d is empty or not unique", m.GetId(), i+1)
		}
		ids[m.GetId()] = true
		if m.GetContextTokens() < 0 || m.GetMaxOutputTokens() < 0 || m.GetSizeBytes() < 0 {
			bad("model %q has a negative size", m.GetId())
		}
	}
	if k.Model != "" && !ids[k.Model] {
		bad("the model %q of this test is not among them", k.Model)
	}
	if ids[k.UnknownModel] {
		bad("there is a model %q; set UnknownModel to a name that no model has", k.UnknownModel)
	}
	return problems
}

// model is the one to talk to.
func (k *kit) model(ctx context.Context, s *subject) string {
	if k.Model != "" {
		return k.Model
	}
	res, err := s.client.ListModels(ctx, &providerv1.ListModelsRequest{Connection: k.Connection})
	if err != nil || len(res.GetModels()) == 0 {
		return ""
	}
	for _, m := range res.GetModels() {
		if m.GetRecommended() {
			return m.GetId()
		}
	}
	return res.GetModels()[0].GetId()
}

// conversation: every prompt is answered, with what was said before as its history.
func (k *kit) conversation(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	model := k.model(ctx, s)
	var history []*providerv1.Message
	for _, prompt := range k.Prompts {
		history = append(history, said(providerv1.Role_ROLE_USER, prompt))
		t := s.run(ctx, k.request(model, history...), nil)
		for _, p := range t.answered() {
			problems = append(problems, fmt.Sprintf("prompt %q: %s", prompt, p))
		}
		answer := said(providerv1.Role_ROLE_ASSISTANT, t.text())
		answer.ProviderState = t.end().GetDone().GetProviderState()
		history = append(history, answer)
	}
	return problems
}

// cancel: a turn cancelled after any of its events ends at once and stops its work.
func (k *kit) cancel(ctx context.Context, s *subject) (problems []string) {
	model := k.model(ctx, s)
	request := func() *providerv1.RunRequest {
		return k.request(model, said(providerv1.Role_ROLE_USER, k.Prompts[0]))
	}
	limited, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	full := s.run(limited, request(), nil)
	if problems := full.whole(); len(problems) > 0 {
		return problems
	}
	for _, at := range cancelPoints(len(full.events)) {
		for _, p := range k.cancelAt(ctx, s, request(), at) {
			problems = append(problems, fmt.Sprintf("cancelled after %d of about %d events: %s", at, len(full.events), p))
		}
		if len(problems) > 0 {
			return problems
		}
	}
	return nil
}

// cancelPoints are all of a short turn, ever wider apart in a long one.
func cancelPoints(events int) (points []int) {
	for at, step := 0, 1; at < events; at += step {
		points = append(points, at)
		if at >= 8 {
			step = at / 2
		}
	}
	return points
}

func (k *kit) cancelAt(ctx context.Context, s *subject, req *providerv1.RunRequest, at int) []string {
	// The time limit is for the turn up to the cancel; the cancelled call itself ends on this side in any case.
	limited, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	cancelled, cancel := context.WithCancel(limited)
	defer cancel()
	t := s.run(cancelled, req, func(n int) {
		if n == at {
			cancel()
		}
	})
	problems := t.order()
	if t.err != nil && status.Code(t.err) != codes.Canceled && !errors.Is(t.err, context.Canceled) {
		problems = append(problems, "the stream broke: "+t.err.Error())
	}
	left := settle(k.Patience, func() string { return running(ctx, s) })
	if left != "" {
		problems = append(problems, left)
	}
	return problems
}

// running says what the plugin still does; empty for nothing, or a plugin that does not tell.
func running(ctx context.Context, s *subject) string {
	var trailer metadata.MD
	if _, err := s.client.Describe(ctx, &providerv1.DescribeRequest{}, grpc.Trailer(&trailer)); err != nil {
		return "Describe during a turn: " + err.Error()
	}
	if n := trailer.Get(sdk.TrailerRunning); len(n) > 0 && n[0] != "0" {
		return "the provider's Run does not return after ctx was cancelled"
	}
	return ""
}

// many: turns at the same time don't disturb each other.
func (k *kit) many(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	model := k.model(ctx, s)
	var turns [3]turn
	var wg sync.WaitGroup
	for i := range turns {
		wg.Go(func() {
			turns[i] = s.run(ctx, k.request(model, said(providerv1.Role_ROLE_USER, k.Prompts[0])), nil)
		})
	}
	wg.Wait()
	for i, t := range turns {
		for _, p := range t.answered() {
			problems = append(problems, fmt.Sprintf("turn %d of %d at once: %s", i+1, len(turns), p))
		}
	}
	return problems
}

// unknownModel: a model that does not exist is an error in words, not an answer.
func (k *kit) unknownModel(ctx context.Context, s *subject) []string {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	t := s.run(ctx, k.request(k.UnknownModel, said(providerv1.Role_ROLE_USER, k.Prompts[0])), nil)
	problems := t.whole()
	e := t.end().GetError()
	switch {
	case t.end() != nil && e == nil:
		problems = append(problems, fmt.Sprintf("the unknown model %q answered", k.UnknownModel))
	case e.GetCode() == providerv1.ErrorCode_ERROR_CODE_PLUGIN:
		problems = append(problems, fmt.Sprintf("the unknown model %q looks like a mistake in the plugin: %s (%s)", k.UnknownModel, e.GetMessage(), e.GetDetail()))
	}
	return problems
}

// emptyConnection: a connection without anything works or fails in words.
func (k *kit) emptyConnection(ctx context.Context, s *subject) (problems []string) {
	ctx, done := context.WithTimeout(ctx, k.Patience)
	defer done()
	report := func(call string, err error) {
		if err == nil {
			return
		}
		if status.Code(err) == codes.DeadlineExceeded && ctx.Err() != nil {
			problems = append(problems, call+" with an empty connection hangs")
		}
		for _, p := range typedStatus(err) {
			problems = append(problems, call+" with an empty connection: "+p)
		}
	}
	_, err := s.client.Check(ctx, &providerv1.CheckRequest{})
	report("Check", err)
	_, err = s.client.ListModels(ctx, &providerv1.ListModelsRequest{})
	report("ListModels", err)
	req := k.request("any", said(providerv1.Role_ROLE_USER, k.Prompts[0]))
	req.Connection, req.Options = nil, nil
	for _, p := range s.run(ctx, req, nil).whole() {
		problems = append(problems, "Run with an empty connection: "+p)
	}
	return problems
}

// typedStatus checks the error of a unary call.
func typedStatus(err error) []string {
	for _, d := range status.Convert(err).Details() {
		if e, ok := d.(*providerv1.Error); ok {
			return typed(e)
		}
	}
	return []string{"the error has no typed error in its status details: " + err.Error()}
}

// words are an error's, with all that is typed in it.
func words(err error) string {
	e := sdk.FromStatus(err)
	return fmt.Sprintf("%v: %s (%s)", e.GetCode(), e.GetMessage(), e.GetDetail())
}
