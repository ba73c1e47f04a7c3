package client

import (
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/openvibez/openvibez/host/terminal"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestErrorsOfCallsHaveWordsAndExitCodes(t *testing.T) {
	from := func(code connect.Code, typed *providerv1.Error) error {
		err := connect.NewError(code, errors.New("The server failed."))
		if typed != nil {
			detail, detailErr := connect.NewErrorDetail(typed)
			if detailErr != nil {
				t.Fatal(detailErr)
			}
			err.AddDetail(detail)
		}
		return inWords(err)
	}
	for name, c := range map[string]struct {
		err   error
		code  int
		words string
	}{
		"a host that went away": {from(connect.CodeUnavailable, nil), terminal.NoHost, "the host went away (The server failed.): start it with `openvibez`"},
		"a call that is wrong":  {from(connect.CodeInvalidArgument, nil), terminal.Usage, "The server failed."},
		"a name that is taken":  {from(connect.CodeAlreadyExists, &providerv1.Error{Field: "name"}), terminal.Failed, "The server failed."},
		"a disk that is full":   {from(connect.CodeInternal, &providerv1.Error{Code: providerv1.ErrorCode_ERROR_CODE_HOST}), terminal.Failed, "The server failed."},
		"a provider's own words": {
			from(connect.CodeInternal, &providerv1.Error{Code: providerv1.ErrorCode_ERROR_CODE_OVERLOADED, Detail: "worker limit\nreached"}),
			terminal.Provider, "The server failed.\nIn its own words: worker limit reached",
		},
	} {
		if got := c.err.Error(); got != c.words {
			t.Errorf("%s: %q", name, got)
		}
		if got := terminal.ExitCode(c.err); got != c.code {
			t.Errorf("%s: exit code %d, want %d", name, got, c.code)
		}
	}
	if said := Words(&providerv1.Error{Message: "It said no.", Detail: "no"}); strings.Contains(said, "own words") {
		t.Errorf("twice: %q", said)
	}
}
