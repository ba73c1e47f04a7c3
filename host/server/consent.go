package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/consent"
)

// consent asks a person, where no page can answer, about what the page wants: whoever could speak through the page would
// say yes to himself. Who comes by the socket is the person.
func (a *api) consent(ctx context.Context, text, subject string) error {
	if !a.fromPage {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-a.closing:
			cancel(refuse(connect.CodeUnavailable, "the host ends: ask again when it is back"))
		case <-ctx.Done():
		}
	}()
	err := a.desk.Ask(ctx, text, subject)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, consent.ErrDenied), errors.Is(err, consent.ErrUnanswered):
		return refuse(connect.CodePermissionDenied, "nothing was done: %w", err)
	case errors.Is(err, consent.ErrBusy):
		return refuse(connect.CodeResourceExhausted, "%w", err)
	}
	return err
}

// tellConsent lets all who can answer know what is open: the window's own dialog, and watchers.
func (s *Server) tellConsent(open *apiv1.Consent) {
	rows := map[string]proto.Message{}
	line := "consent"
	if open != nil {
		rows[open.Id] = open
		line = consentLine(open)
	}
	s.publish(context.Background(), apiv1.Topic_TOPIC_CONSENTS, rows)
	s.window.Tell(line)
}

// consentLine puts a question to the window's process; without one it takes its dialog away.
func consentLine(c *apiv1.Consent) string {
	// Strings always can be written so.
	order, _ := json.Marshal(map[string]string{"id": c.Id, "text": c.Text, "subject": c.Subject})
	return "consent " + string(order)
}

func (a *api) GetConsent(context.Context, *apiv1.GetConsentRequest) (*apiv1.GetConsentResponse, error) {
	return &apiv1.GetConsentResponse{Consent: a.desk.Open()}, nil
}

func (a *api) AnswerConsent(_ context.Context, req *apiv1.AnswerConsentRequest) (*apiv1.AnswerConsentResponse, error) {
	if err := checkID("question", req.Id); err != nil {
		return nil, err
	}
	if req.Allow {
		if err := a.socketOnly("allow what it asked for", "answer in the window's dialog, in the tray, or with `openvibez approval allow "+req.Id+"`"); err != nil {
			return nil, err
		}
	}
	if err := a.desk.Answer(req.Id, req.Allow); err != nil {
		return nil, refuse(connect.CodeFailedPrecondition, "%w", err)
	}
	return &apiv1.AnswerConsentResponse{}, nil
}

// mayAllow: a page alone allows nothing that can carry files away or changes the machine itself. The sandbox holds the
// rest, whoever allows it.
func (a *api) mayAllow(ctx context.Context, req *apiv1.DecideRequest) error {
	if !a.fromPage {
		return nil
	}
	asked, err := a.Store.Approval(ctx, req.ApprovalId)
	if err != nil {
		return err
	}
	outside := asked.Profile == apiv1.Profile_PROFILE_HOST
	if asked.State != apiv1.ApprovalState_APPROVAL_STATE_PENDING || !outside && asked.Profile != apiv1.Profile_PROFILE_NET && len(asked.Domains) == 0 {
		return nil
	}
	allows := len(asked.Question.GetChoices()) == 0
	words := ""
	for _, c := range asked.Question.GetChoices() {
		if c.Id == req.ChoiceId && c.Allows {
			allows, words = true, c.Text
		}
	}
	if !allows {
		return nil
	}
	text := "Let this command reach " + cmp.Or(strings.Join(asked.Domains, ", "), "the network") + "? It can send there whatever it can read."
	if outside {
		text = "Run this command outside the sandbox? It can read, change and send whatever you can."
	}
	if words != "" {
		text += " Chosen: " + words + "."
	}
	return a.consent(ctx, text, cmp.Or(asked.Question.GetSubject(), asked.Question.GetText()))
}

// mayInstall asks before a package that was looked at is installed.
func (a *api) mayInstall(ctx context.Context, token string) error {
	facts := a.Plugins.Shown(token)
	if !a.fromPage || facts == nil {
		return nil
	}
	subject := fmt.Sprintf("%s %s (%s), %s\n%s", facts.Name, facts.Version, facts.Id, tierWords(facts.Tier), strings.Join(append(facts.Abilities, facts.Differences...), "\n"))
	return a.consent(ctx, "Install this plugin? It sees all that is written to the providers that use it.", subject)
}

func tierWords(t apiv1.Tier) string {
	switch t {
	case apiv1.Tier_TIER_BUILT_IN:
		return "which came with OpenVibez"
	case apiv1.Tier_TIER_VERIFIED:
		return "signed with a key known here"
	case apiv1.Tier_TIER_KEY_CHANGED:
		return "signed with ANOTHER key than the version you have"
	case apiv1.Tier_TIER_NEW_KEY:
		return "signed with a key not seen here before"
	case apiv1.Tier_TIER_DEVELOPMENT:
		return "run from its author's own directory"
	}
	return "unsigned: nobody vouches for it"
}

// mayRun asks before a plugin that did not come with OpenVibez runs again, or another version of it.
func (a *api) mayRun(ctx context.Context, id, text string) error {
	if !a.fromPage {
		return nil
	}
	p, err := a.Plugins.Plugin(ctx, id)
	if err != nil || p.Tier == apiv1.Tier_TIER_BUILT_IN {
		return nil //nolint:nilerror // what it is about says so in better words
	}
	return a.consent(ctx, text, fmt.Sprintf("%s %s (%s), %s", cmp.Or(p.Description.GetName(), p.Id), p.Version, p.Id, tierWords(p.Tier)))
}

// mayConnect asks before messages, and files that models read, can go somewhere new. A plugin that came with OpenVibez, at
// its own address, without a key or with the one in the variable it is known for, goes where the person would send it. A
// key that the page brings may be somebody else's account.
func (a *api) mayConnect(ctx context.Context, next *apiv1.Provider, keyTyped bool) error {
	if !a.fromPage {
		return nil
	}
	d, err := a.Plugins.Describe(ctx, next.Plugin)
	if err != nil {
		return err
	}
	plugin, err := a.Plugins.Plugin(ctx, next.Plugin)
	if err != nil {
		return err
	}
	known := next.KeySource == "" || d.GetKey().GetEnv() != "" && next.KeySource == "env:"+d.GetKey().GetEnv()
	if plugin.Tier == apiv1.Tier_TIER_BUILT_IN && next.BaseUrl == "" && known && !keyTyped {
		return nil
	}
	address := cmp.Or(next.BaseUrl, d.DefaultBaseUrl, "no address")
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Scheme + "://" + u.Host
	}
	key := "without a key"
	switch {
	case keyTyped:
		key = "with the key that was entered in the chat page"
	case strings.HasPrefix(next.KeySource, "env:"):
		key = "with the key in the variable " + strings.TrimPrefix(next.KeySource, "env:")
	case next.KeySource != "":
		key = "with the key it has"
	}
	return a.consent(ctx,
		"Let chats use "+address+"? What is written in them, and the files that models read, go there.",
		fmt.Sprintf("%s, by the plugin %s (%s), %s", cmp.Or(next.Name, d.Name), cmp.Or(d.Name, next.Plugin), tierWords(plugin.Tier), key))
}

// mayConnectAnew is mayConnect for a provider that is changed.
func (a *api) mayConnectAnew(ctx context.Context, before, next *apiv1.Provider, keyTyped bool) error {
	if !keyTyped && a.Providers.SameOrigin(ctx, before, next) && (next.KeySource == before.KeySource || next.KeySource == "") {
		return nil
	}
	return a.mayConnect(ctx, next, keyTyped)
}
