// Package main is the demo provider: canned answers without key and network, and the template for authors.
package main

import (
	"context"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

type demo struct{}

func (demo) Describe() *providerv1.DescribeResponse {
	return &providerv1.DescribeResponse{Id: "demo", Name: "Demo", Description: "Canned answers, to look around.", Version: "0.1.0", Canned: true}
}

func (demo) Check(context.Context, *providerv1.Connection) (string, error) {
	return "Demo, canned answers", nil
}

func (demo) Models(context.Context, *providerv1.Connection) ([]*providerv1.Model, error) {
	return []*providerv1.Model{{Id: "demo", Recommended: true, Local: true}}, nil
}

func (demo) Run(_ context.Context, _ *providerv1.RunRequest, s *sdk.Stream) error {
	s.Text("Hello! This answer is canned.")
	s.Done(nil)
	return nil
}

func main() { sdk.Serve(demo{}) }
