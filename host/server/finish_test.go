package server

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
)

type who struct{}

// A change goes on when its caller hangs up in the middle of it, and ends with the host.
func TestChangesOutliveTheirCallers(t *testing.T) {
	ending, end := context.WithCancel(t.Context())
	caller, hangUp := context.WithCancel(context.WithValue(t.Context(), who{}, "me"))
	call := finishing{ending}.WrapUnary(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
		hangUp()
		if ctx.Err() != nil {
			return nil, errors.New("it was stopped half way")
		}
		if ctx.Value(who{}) != "me" {
			return nil, errors.New("it does not know any more who called")
		}
		end()
		<-ctx.Done()
		return nil, nil
	})
	if _, err := call(caller, connect.NewRequest(&apiv1.DeleteSessionRequest{})); err != nil {
		t.Error(err)
	}
}

// What is let go on is all that could change something.
func TestLooks(t *testing.T) {
	services := apiv1.File_api_v1_api_proto.Services()
	var changing int
	for i := range services.Len() {
		methods := services.Get(i).Methods()
		for n := range methods.Len() {
			if m := methods.Get(n); !m.IsStreamingServer() && !looks("/"+string(services.Get(i).FullName())+"/"+string(m.Name())) {
				changing++
			}
		}
	}
	if changing < 25 {
		t.Errorf("only %d calls change something", changing)
	}
	for procedure, want := range map[string]bool{
		apiv1.SessionServiceDeleteSessionProcedure: false, apiv1.ProviderServiceLogoutProcedure: false,
		apiv1.ProviderServiceTestProviderProcedure: false, apiv1.RunServiceSendProcedure: false,
		apiv1.SessionServiceListSessionsProcedure: true, apiv1.HostServiceGetStatusProcedure: true,
	} {
		if looks(procedure) != want {
			t.Errorf("%s only looks: %t", procedure, !want)
		}
	}
}
