package box

import (
	"reflect"
	"testing"
)

// full gives every field a value of its own, and fails on kinds that it does not know.
func full(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text\x00" + string(rune('a'+*n)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n * 1000))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		full(t, v.Index(0), n)
		full(t, v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"a": "b", "": "c"}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(t, v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			full(t, v.Field(i), n)
		}
	default:
		t.Fatalf("nothing is known of %s", v.Type())
	}
}

func TestWireKeepsEveryField(t *testing.T) {
	var n int
	var spec, again Spec
	full(t, reflect.ValueOf(&spec).Elem(), &n)
	b := spec.Encode()
	if err := again.Decode(b); err != nil || !reflect.DeepEqual(spec, again) {
		t.Errorf("%v\n%+v\n%+v", err, spec, again)
	}
	for i := range b {
		if err := new(Spec).Decode(b[:i]); err == nil {
			t.Errorf("%d of %d bytes are enough", i, len(b))
		}
	}
	var report, told Report
	full(t, reflect.ValueOf(&report).Elem(), &n)
	if err := told.Decode(report.Encode()); err != nil || report != told {
		t.Errorf("%v\n%+v\n%+v", err, report, told)
	}
	var probe, asked Probe
	full(t, reflect.ValueOf(&probe).Elem(), &n)
	if err := asked.Decode(probe.Encode()); err != nil || probe != asked {
		t.Errorf("%v\n%+v\n%+v", err, probe, asked)
	}
	var found []Finding
	full(t, reflect.ValueOf(&found).Elem(), &n)
	if again, err := DecodeFindings(EncodeFindings(found)); err != nil || !reflect.DeepEqual(found, again) {
		t.Errorf("%v\n%+v\n%+v", err, found, again)
	}
	var empty Spec
	if err := empty.Decode((&Spec{}).Encode()); err != nil || empty.Plugin != nil {
		t.Errorf("nothing: %v, %+v", err, empty)
	}
}

func FuzzWire(f *testing.F) {
	f.Add((&Spec{Args: []string{"a"}, Plugin: &Plugin{}}).Encode())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = new(Spec).Decode(b)
		_ = new(Report).Decode(b)
		_ = new(Probe).Decode(b)
		_, _ = DecodeFindings(b)
	})
}

// Boxes that are described at once share what is the same for all.
func TestEncodeWritesNothing(t *testing.T) {
	var n int
	var spec Spec
	full(t, reflect.ValueOf(&spec).Elem(), &n)
	done := make(chan []byte)
	for range 4 {
		go func() {
			for range 200 {
				spec.Encode()
			}
			done <- spec.Encode()
		}()
	}
	first := <-done
	for range 3 {
		if again := <-done; !reflect.DeepEqual(first, again) {
			t.Error("the same is written differently")
		}
	}
}
