package sdk_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

func TestServerEvents(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	for name, test := range map[string]struct {
		in   io.Reader
		want []string
		code providerv1.ErrorCode
	}{
		"plain":        {strings.NewReader("data: a\n\ndata:b\r\n\r\n"), []string{"a", "b"}, 0},
		"lines":        {strings.NewReader(": hi\nevent: x\ndata: a\ndata: b\nid: 3\n\n"), []string{"a\nb"}, 0},
		"no blank end": {strings.NewReader("data: a"), []string{"a"}, 0},
		"nothing":      {strings.NewReader("\n\n\n"), nil, 0},
		"10 MB":        {strings.NewReader("data: " + long + "\n\n"), []string{long}, 0},
		"too long":     {strings.NewReader("data: " + strings.Repeat(long, 4)), nil, providerv1.ErrorCode_ERROR_CODE_PROVIDER},
		"cut":          {io.MultiReader(strings.NewReader("data: a\n\nda"), iotest.ErrReader(io.ErrUnexpectedEOF)), []string{"a"}, providerv1.ErrorCode_ERROR_CODE_CUT},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			var failed error
			for data, err := range sdk.ServerEvents(test.in) {
				if err != nil {
					failed = err
					continue
				}
				got = append(got, data)
			}
			if strings.Join(got, "|") != strings.Join(test.want, "|") {
				t.Errorf("got %.100q, want %.100q", got, test.want)
			}
			var e *sdk.Error
			if errors.As(failed, &e) != (test.code != 0) || e != nil && e.Code() != test.code {
				t.Errorf("error is %v, want %v", failed, test.code)
			}
		})
	}
}

func TestManifest(t *testing.T) {
	right := `{"id":"acme","name":"Acme","description":"It is.","version":"1.0.0","protocol":1,"licence":"MIT",
		"base_url":"https://api.acme.test/v1","origins":["https://a.test:8443"],"key":{"header":"Authorization","prefix":"Bearer "},
		"settings":{"type": "object", "properties": {"n": {"type": "integer"}}}}`
	d := sdk.FromManifest([]byte(right))
	if d.Id != "acme" || d.Key.Prefix != "Bearer " || d.SettingsSchema != `{"type":"object","properties":{"n":{"type":"integer"}}}` {
		t.Errorf("described as %v", d)
	}
	for _, test := range [][3]string{
		{`"id":"acme"`, `"id":"Acme"`, "lower-case"},
		{`"id":"acme"`, `"id":"a--b"`, "single dashes"},
		{`"It is."`, `" "`, "description is empty"},
		{`"1.0.0"`, `"1.0 beta"`, `version is "1.0 beta"`},
		{`"protocol":1,`, ``, "protocol is missing"},
		{`"MIT"`, `""`, "licence is missing"},
		{`/v1"`, `/v1/"`, "without a slash"},
		{`"https://api`, `"ftp://api`, "base_url"},
		{`a.test:8443`, `a.test:8443/path`, "origins"},
		{`"Authorization"`, `"X Y"`, "key.header"},
		{`"Acme"`, `"Ac\u001bme"`, "control characters"},
		{`"type": "integer"`, `"type": "string", "format": "password"`, "which the plugin never sees; say which header"},
		{`"type": "integer"`, `"type": "string", "writeOnly": true, "x-openvibez-header": "a b"`, "say which header"},
		{`"type": "integer"`, `"type": "string", "writeOnly": true, "x-openvibez-header": "authorization"`, "in the header Authorization, which the key travels in"},
		{`"type": "integer"`, `"type": "string", "writeOnly": true, "x-openvibez-header": "X-T", "minLength": 3`, `with "minLength"; a secret takes only`},
		{`"type": "integer"`, `"writeOnly": true, "x-openvibez-header": "X-T"`, `"type": "string"`},
		{`"type": "integer"`, `"type": "object", "properties": {"m": {"type": "string", "writeOnly": true}}`, "no property of its own"},
		{`"version"`, `"Version2":1,"version"`, "does not know"},
		{`}}}`, `}}}}`, "behind its object"},
	} {
		if _, err := sdk.ParseManifest([]byte(strings.Replace(right, test[0], test[1], 1))); err == nil || !strings.Contains(err.Error(), test[2]) {
			t.Errorf("%s gave %v, want %q", test[1], err, test[2])
		}
	}
}

func TestSourceIsTheWholeModule(t *testing.T) {
	for _, name := range []string{"go.mod", "go.sum", "serve.go", "provider/v1/provider.proto", "sdktest/sdktest.go"} {
		f, err := sdk.Source().Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = f.Close()
	}
}
