package plugin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/openvibez/openvibez/sdk"
)

// manifestFor is the manifest of a test's plugin; change, if not nil, makes it another one.
func manifestFor(version string, change func(*sdk.Manifest)) *sdk.Manifest {
	m := &sdk.Manifest{
		ID: "acme", Name: "Acme", Description: "A plugin of a test.", Version: version, Protocol: 1, Licence: "MIT",
		BaseURL: "https://api.acme.test/v1", Key: &sdk.ManifestKey{Header: "X-Acme-Key", Env: "ACME_KEY"},
	}
	if change != nil {
		change(m)
	}
	return m
}

// programFor is a plugin's program that describes itself as m says.
func programFor(t *testing.T, m *sdk.Manifest) []byte {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(scriptedPath)
	if err != nil {
		t.Fatal(err)
	}
	mark := []byte("planted manifest:")
	at := bytes.Index(program, append(mark, "....."...))
	if at < 0 || len(text) > 1000 {
		t.Fatalf("no room for a manifest of %d bytes in the scripted plugin", len(text))
	}
	at += len(mark)
	copy(program[at:], bytes.Repeat([]byte(" "), 1000))
	copy(program[at:], text)
	return program
}

const programName = "bin/openvibez-provider-acme.exe"

// packageOf is a package of m, whose program says said, or is none if that is nil; signing may be nil.
func packageOf(t *testing.T, m, said *sdk.Manifest, signing []byte) []byte {
	t.Helper()
	out := *m
	out.Platforms = map[string]string{platform(): programName}
	var b bytes.Buffer
	files := map[string][]byte{programName: []byte("no program at all"), "LICENSE": []byte("Do as you like.\n")}
	if said != nil {
		files[programName] = programFor(t, said)
	}
	if err := WritePackage(&b, &out, files, signing, ""); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pkg is a right package.
func pkg(t *testing.T, version string, signing []byte, change func(*sdk.Manifest)) []byte {
	t.Helper()
	m := manifestFor(version, change)
	return packageOf(t, m, m, signing)
}

// hollow is a package that is right but for its program.
func hollow(t *testing.T, version string, signing []byte, change func(*sdk.Manifest)) []byte {
	t.Helper()
	return packageOf(t, manifestFor(version, change), nil, signing)
}

func signingKey(t *testing.T) (public string, private []byte) {
	t.Helper()
	public, private, err := NewSigningKey("")
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// installing makes a Manager that can install packages, beside shipped plugins.
func installing(t *testing.T, shipped ...string) *Manager {
	t.Helper()
	m := newManager(t, nil, shipped...)
	m.installs.dir = filepath.Join(t.TempDir(), "plugins")
	t.Cleanup(func() { _ = removeTree(m.installs.dir) })
	return m
}

// repacked takes a package's archive apart, lets change have its entries, and puts it together again.
func repacked(t *testing.T, content []byte, change func([]entry) []entry) []byte {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for in := tar.NewReader(zipped); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{h, body})
	}
	var b bytes.Buffer
	out := gzip.NewWriter(&b)
	archive := tar.NewWriter(out)
	for _, e := range change(entries) {
		e.h.Size = int64(len(e.body))
		e.h.Format = tar.FormatUnknown
		if err := archive.WriteHeader(e.h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type entry struct {
	h    *tar.Header
	body []byte
}

func TestBadPackages(t *testing.T) {
	m := installing(t, "scripted")
	public, key := signingKey(t)
	_, other := signingKey(t)
	good := hollow(t, "1.0.0", nil, nil)
	signed := hollow(t, "1.0.0", key, nil)

	with := func(content []byte, more ...entry) []byte {
		return repacked(t, content, func(e []entry) []entry { return append(e, more...) })
	}
	at := func(content []byte, i int, change func(*entry)) []byte {
		return repacked(t, content, func(e []entry) []entry { change(&e[i]); return e })
	}
	file := func(name string, kind byte) entry {
		return entry{&tar.Header{Name: name, Typeflag: kind, Linkname: "/etc/passwd", Mode: 0o644}, nil}
	}
	manifest := func(change func(*sdk.Manifest)) []byte {
		return at(good, 0, func(e *entry) {
			p, err := sdk.ParseManifest(e.body)
			if err != nil {
				t.Fatal(err)
			}
			change(p)
			if e.body, err = json.Marshal(p); err != nil {
				t.Fatal(err)
			}
		})
	}
	bomb := func() []byte {
		var b bytes.Buffer
		out := gzip.NewWriter(&b)
		archive := tar.NewWriter(out)
		body := good
		zipped, _ := gzip.NewReader(bytes.NewReader(body))
		in := tar.NewReader(zipped)
		h, _ := in.Next()
		raw, _ := io.ReadAll(in)
		p, _ := sdk.ParseManifest(raw)
		p.Files["LICENSE"] = sdk.ManifestFile{SHA256: strings.Repeat("0", 64), Size: 400 << 20}
		p.Files["more"] = sdk.ManifestFile{SHA256: strings.Repeat("0", 64), Size: 400 << 20}
		raw, _ = json.Marshal(p)
		h.Size = int64(len(raw))
		_ = archive.WriteHeader(h)
		_, _ = archive.Write(raw)
		_ = archive.Close()
		_ = out.Close()
		return b.Bytes()
	}
	zeros := func() []byte { // A manifest that never ends.
		var b bytes.Buffer
		out := gzip.NewWriter(&b)
		archive := tar.NewWriter(out)
		_ = archive.WriteHeader(&tar.Header{Name: manifestName, Typeflag: tar.TypeReg, Size: 2 << 30})
		_, _ = io.CopyN(archive, neverending{}, 4<<20)
		_ = out.Close()
		return b.Bytes()
	}

	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":        {nil, "no plugin package"},
		"no archive":     {[]byte("#!/bin/sh\necho hi\n"), "no plugin package"},
		"truncated":      {good[:len(good)/2], "cut off"},
		"end missing":    {good[:len(good)-4], "cut off"},
		"damaged":        {append(append([]byte{}, good[:len(good)-8]...), 1, 2, 3, 4, 5, 6, 7, 8), "damaged"},
		"trailing":       {append(append([]byte{}, good...), "more"...), "behind its end"},
		"second archive": {append(append([]byte{}, good...), good...), "behind its end"},
		"no manifest":    {repacked(t, good, func(e []entry) []entry { return e[1:] }), "plugin.json must be the first"},
		"manifest late":  {repacked(t, good, func(e []entry) []entry { return append(e[1:], e[0]) }), "plugin.json must be the first"},

		"traversal":       {with(good, file("../../evil", tar.TypeReg)), "outside its directory"},
		"hidden up":       {with(good, file("bin/../../evil", tar.TypeReg)), "outside its directory"},
		"absolute":        {with(good, file("/tmp/evil", tar.TypeReg)), "outside its directory"},
		"backslashes":     {with(good, file(`bin\..\evil`, tar.TypeReg)), "outside its directory"},
		"drive":           {with(good, file("C:evil", tar.TypeReg)), "outside its directory"},
		"symlink":         {with(good, file("bin/link", tar.TypeSymlink)), "is a link"},
		"hard link":       {with(good, file("bin/link", tar.TypeLink)), "is a link"},
		"device":          {with(good, file("null", tar.TypeChar)), "no plain file"},
		"fifo":            {with(good, file("pipe", tar.TypeFifo)), "no plain file"},
		"symlink first":   {repacked(t, good, func(e []entry) []entry { return append([]entry{e[0], file("bin", tar.TypeSymlink)}, e[1:]...) }), "is a link"},
		"twice":           {repacked(t, good, func(e []entry) []entry { return append(e, e[1]) }), "LICENSE twice"},
		"twice, in cases": {with(good, file("License", tar.TypeReg)), "License twice"},
		"unlisted":        {with(good, file("extra", tar.TypeReg)), "does not list"},
		"file missing":    {repacked(t, good, func(e []entry) []entry { return e[:len(e)-1] }), "is missing"},
		"too many": {repacked(t, good, func(e []entry) []entry {
			for i := range 100 {
				e = append(e, file(fmt.Sprintf("d%d", i), tar.TypeDir))
			}
			return e
		}), "more than 64 files"},
		"bomb":     {bomb(), "unpacks to more than"},
		"manifest": {zeros(), "may have 1048576"},

		"wrong hash":     {at(good, 2, func(e *entry) { e.body[len(e.body)/2] ^= 1 }), "is not what plugin.json says"},
		"wrong size":     {at(good, 2, func(e *entry) { e.body = append(e.body, 0) }), "bytes, and plugin.json says"},
		"wrong platform": {manifest(func(m *sdk.Manifest) { m.Platforms = map[string]string{"plan9/mips": programName} }), "holds Acme for plan9/mips, and nothing for this machine (" + runtime.GOOS},
		"no platform":    {manifest(func(m *sdk.Manifest) { m.Platforms = nil }), "no program for any platform"},
		"no program":     {manifest(func(m *sdk.Manifest) { m.Platforms[platform()] = "bin/other" }), "does not list its own program"},
		"newer protocol": {manifest(func(m *sdk.Manifest) { m.Protocol = 2 }), "was built for protocol 2, this host speaks 1: update OpenVibez"},
		"older protocol": {manifest(func(m *sdk.Manifest) { m.Protocol = -1 }), "protocol is missing"},
		"unknown field":  {at(good, 0, func(e *entry) { e.body = append([]byte(`{"reads":["/"],`), e.body[1:]...) }), `the field "reads"`},
		"name clash":     {hollow(t, "1.0.0", nil, func(m *sdk.Manifest) { m.ID = "scripted" }), "another may not take its name"},
		"look-alike":     {hollow(t, "1.0.0", nil, func(m *sdk.Manifest) { m.ID = "Acme" }), "lower-case"},
		"program":        {hollow(t, "1.0.0", nil, func(m *sdk.Manifest) { m.Program = "codex" }), "wants the host to run"},
		"secret setting": {hollow(t, "1.0.0", nil, func(m *sdk.Manifest) {
			m.Settings = json.RawMessage(`{"properties":{"token":{"type":"string","writeOnly":true}}}`)
		}), "which the plugin never sees"},

		"signature stripped": {repacked(t, signed, func(e []entry) []entry { return append(e[:1], e[2:]...) }), "its signature is missing"},
		"signed manifest changed": {at(signed, 0, func(e *entry) {
			e.body = bytes.Replace(e.body, []byte("api.acme.test"), []byte("api.evil.test"), 1)
		}), "its signature is not by the key " + public},
		"wrong key": {repacked(t, signed, func(e []entry) []entry {
			theirs := hollow(t, "1.0.0", other, nil)
			repacked(t, theirs, func(o []entry) []entry { e[1] = o[1]; return o })
			return e
		}), "its signature is not by the key " + public},
		"no key": {at(signed, 0, func(e *entry) { e.body = bytes.Replace(e.body, []byte(public), []byte("RWxyz"), 1) }), "no minisign key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := m.Inspect(bytes.NewReader(test.content), "test.ovp")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Inspect gave %v, want %q", err, test.want)
			}
		})
	}
	entries, err := os.ReadDir(m.installs.dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("something is left of packages that were refused: %v (%v)", entries, err)
	}
	for _, name := range []string{"evil", "../evil", "../../evil", "/tmp/evil"} {
		if _, err := os.Lstat(filepath.Join(m.installs.dir, name)); err == nil && !filepath.IsAbs(name) {
			t.Errorf("%s was written outside", name)
		}
	}
}

type neverending struct{}

func (neverending) Read(b []byte) (int, error) { return len(b), nil }

func TestModesInPackagesDoNotCount(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs Unix file modes")
	}
	m := installing(t)
	content := repacked(t, hollow(t, "1.0.0", nil, nil), func(e []entry) []entry {
		for i := range e {
			e[i].h.Mode = 0o6777
		}
		return e
	})
	p, err := m.stage(bytes.NewReader(content), "test.ovp")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{programName: 0o500, "LICENSE": 0o400, manifestName: 0o400} {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v (%v), want %v", name, info.Mode(), err, want)
		}
	}
}

func TestPackagesAreReproducible(t *testing.T) {
	_, key := signingKey(t)
	if !bytes.Equal(hollow(t, "1.0.0", key, nil), hollow(t, "1.0.0", key, nil)) {
		t.Error("the same content gave two different packages")
	}
}
