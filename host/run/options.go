package run

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/setting"
	"github.com/openvibez/openvibez/host/store"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// options are what the run asks for, without what its model is known to refuse.
func (e *desk) options(ctx context.Context, r *apiv1.Run) (*providerv1.Options, error) {
	if r.Options == nil {
		return nil, nil
	}
	refused, err := e.refused(ctx, r)
	if err != nil {
		return nil, err
	}
	o := proto.CloneOf(r.Options)
	for _, name := range refused {
		clearOption(o, name)
	}
	return o, nil
}

// drop remembers that the run's model refuses a parameter. It tells whether that changes what is sent.
func (x *execution) drop(ctx context.Context, parameter string) (bool, error) {
	e, r := x.desk, x.run
	refused, err := e.refused(ctx, r)
	if err != nil || r.Options == nil {
		return false, err
	}
	option := e.providers.Option(ctx, x.provider, parameter)
	if option == "" || slices.Contains(refused, option) || !clearOption(proto.CloneOf(r.Options), option) {
		return false, nil
	}
	value, err := json.Marshal(append(refused, option))
	if err != nil {
		return false, err
	}
	err = x.write.patiently(ctx, func(st *store.Store) error {
		_, err := st.SetSetting(ctx, setting.Refused(r.ProviderId, r.Model), string(value))
		return err
	})
	if err != nil {
		return false, err
	}
	e.log.Info("model refuses an option; it is left out from now on", "model", r.Model, "option", option)
	return true, nil
}

// refused lists the options that the run's model has refused before.
func (e *desk) refused(ctx context.Context, r *apiv1.Run) ([]string, error) {
	value, err := e.know.Setting(ctx, setting.Refused(r.ProviderId, r.Model))
	if err != nil || value == "" {
		return nil, err
	}
	var names []string
	if err := json.Unmarshal([]byte(value), &names); err != nil {
		return nil, fmt.Errorf("read setting %s: %w", setting.Refused(r.ProviderId, r.Model), err)
	}
	return names, nil
}

// clearOption takes an option out of o and tells whether it was there.
func clearOption(o *providerv1.Options, name string) bool {
	m := o.ProtoReflect()
	field := m.Descriptor().Fields().ByTextName(name)
	if field == nil || !m.Has(field) {
		return false
	}
	m.Clear(field)
	return true
}
