package run

import (
	"context"
	"log/slog"
	"sync"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/folder"
	"github.com/openvibez/openvibez/host/provider"
	"github.com/openvibez/openvibez/host/tool"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// desk is what the work on all runs shares. From it everything can be read and nothing be written: that takes a writer.
type desk struct {
	know      reads
	providers *provider.Manager
	log       *slog.Logger
	// Carries out what models call; nil: nothing is carried out.
	box *tool.Tools
	// What models may call.
	tools func() []*providerv1.Tool

	mu sync.Mutex
	// The host's own questions that wait for an answer.
	questions map[string]*question
	// What calls have taught about how much models take.
	learned learned
	// Closed when the host ends.
	ending chan struct{}
}

// reads is the store for those who only read it.
type reads interface {
	Setting(ctx context.Context, key string) (string, error)
	Provider(ctx context.Context, idOrName string) (*apiv1.Provider, error)
	Model(ctx context.Context, providerID, id string) (*apiv1.Model, error)
	Session(ctx context.Context, idOrPrefix string) (*apiv1.Session, error)
	Root(ctx context.Context, id string) (string, error)
	Workspace(ctx context.Context, name string) (*apiv1.Workspace, error)
	Ground(ctx context.Context, name string) (*apiv1.Workspace, folder.ID, error)
	RulesFor(ctx context.Context, session *apiv1.Session) ([]*apiv1.Rule, error)
	Run(ctx context.Context, idOrPrefix string) (*apiv1.Run, error)
	RunEntries(ctx context.Context, runID string) ([]*apiv1.Entry, error)
	History(ctx context.Context, sessionID, runID string) ([]*apiv1.Entry, error)
	Job(ctx context.Context, runID string) (*apiv1.Job, error)
}
