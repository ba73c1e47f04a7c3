package provider

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestSettingsFitTheirSchema(t *testing.T) {
	m := newManager(t, nil, "scripted")
	for _, good := range []string{"", "{}", `{"level":9}`, `{"level":3.0,"speed":"slow","loud":true,"stops":["a"]}`} {
		if err := m.CheckSettings(t.Context(), "scripted", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string][2]string{
		`[1]`:                            {"", `must be a JSON object such as {"name": "value"}`},
		`{"level":`:                      {"", `must be a JSON object`},
		`{"level":10}`:                   {"level", "the settings of Scripted are not right: level must be at most 9"},
		`{"level":-1}`:                   {"level", "level must be at least 0"},
		`{"level":"3"}`:                  {"level", "level must be a whole number"},
		`{"level":2.5}`:                  {"level", "level must be a whole number"},
		`{"loud":"yes"}`:                 {"loud", "loud must be true or false"},
		`{"speed":"warp"}`:               {"speed", "speed must be one of slow, fast"},
		`{"stops":["a",1]}`:              {"stops.1", "stops.1 must be text"},
		`{"colour":"red"}`:               {"colour", "there is no setting colour; there is account, greeting, level, loud, speed, stops"},
		`{"greeting":{"a":{"b":[1,2]}}}`: {"greeting", "greeting must be text"},
	} {
		err := m.CheckSettings(t.Context(), "scripted", bad)
		wantError(t, err, providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, want[1])
		var typed *sdk.Error
		if errors.As(err, &typed) && typed.Proto.Field != want[0] {
			t.Errorf("%s: the field is %q, want %q", bad, typed.Proto.Field, want[0])
		}
	}
	// All that is wrong is said at once.
	wantError(t, m.CheckSettings(t.Context(), "scripted", `{"level":10,"loud":1}`),
		providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "level must be at most 9", "loud must be true or false")
}

func TestSchemasOfAllKindsHaveWords(t *testing.T) {
	for schema, want := range map[string][2]string{
		`{"required":["region"]}`:                                               {`{}`, "region is missing"},
		`{"properties":{"a":{"required":["b"]}}}`:                               {`{"a":{}}`, "a.b is missing"},
		`{"properties":{"a":{"type":["string","null"]}}}`:                       {`{"a":1}`, "a must be null or text"},
		`{"properties":{"a":{"exclusiveMinimum":0}}}`:                           {`{"a":0}`, "a must be more than 0"},
		`{"properties":{"a":{"maxLength":2}}}`:                                  {`{"a":"abc"}`, "a must have at most 2 characters"},
		`{"properties":{"a":{"minLength":1}}}`:                                  {`{"a":""}`, "a must have at least 1 characters"},
		`{"properties":{"a":{"pattern":"^x"}}}`:                                 {`{"a":"y"}`, "a must look like ^x"},
		`{"properties":{"a":{"const":1}}}`:                                      {`{"a":2}`, "a must be 1"},
		`{"properties":{"a":{"oneOf":[{"const":1},{"const":2}]}}}`:              {`{"a":3}`, "a: "},
		`{"$defs":{"n":{"minimum":5}},"properties":{"a":{"$ref":"#/$defs/n"}}}`: {`{"a":3}`, "a must be at least 5"},
	} {
		d := &providerv1.DescribeResponse{Id: "acme", SettingsSchema: schema}
		wantError(t, checkSettings(d, want[0]), providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "settings of acme", want[1])
	}
	none := &providerv1.DescribeResponse{Id: "acme", Name: "Acme"}
	wantError(t, checkSettings(none, `{"a":1}`), providerv1.ErrorCode_ERROR_CODE_INVALID_REQUEST, "Acme has no settings")
	if err := checkSettings(none, `{}`); err != nil {
		t.Error(err)
	}
}

func TestSchemaReachesNothingOfTheHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(`{"type":"object"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, schema := range []string{`{"$ref":"file://` + filepath.ToSlash(file) + `"}`, `{"$ref":"http://127.0.0.1:1/x"}`, `{"type":"nonsense"}`, `{`} {
		d := &providerv1.DescribeResponse{Id: "acme", Name: "Acme", SettingsSchema: schema}
		wantError(t, checkSettings(d, "{}"), providerv1.ErrorCode_ERROR_CODE_PLUGIN, "the Acme plugin describes its settings wrongly")
	}
}
