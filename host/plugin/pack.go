package plugin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"aead.dev/minisign"

	"github.com/openvibez/openvibez/sdk"
)

// WritePackage writes a package: m with its files listed, and the files by their names in it. m.Platforms names the
// programs among them. The same content always gives the same bytes. signing is a minisign key to sign with, as
// NewSigningKey gives it, or nil; password belongs to it.
func WritePackage(w io.Writer, m *sdk.Manifest, files map[string][]byte, signing []byte, password string) error {
	out := *m
	out.SignedBy = ""
	out.Files = map[string]sdk.ManifestFile{}
	for name, content := range files {
		if err := checkName(name); err != nil {
			return err
		}
		out.Files[name] = sdk.ManifestFile{SHA256: sumOf(content), Size: int64(len(content))}
	}
	var key minisign.PrivateKey
	if signing != nil {
		var err error
		if key, err = readSigningKey(signing, password); err != nil {
			return err
		}
		out.SignedBy = key.Public().(minisign.PublicKey).String()
	}
	raw, err := json.MarshalIndent(&out, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	raw = append(raw, '\n')
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	add := func(name string, mode int64, content []byte) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(h); err != nil {
			return fmt.Errorf("write the package: %w", err)
		}
		_, err := archive.Write(content)
		return err
	}
	if err := add(manifestName, 0o644, raw); err != nil {
		return err
	}
	if signing != nil {
		comment := out.ID + " " + out.Version
		if err := add(signatureName, 0o644, minisign.SignWithComments(key, raw, comment, "signature of an OpenVibez plugin")); err != nil {
			return err
		}
	}
	programs := slices.Collect(maps.Values(out.Platforms))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := int64(0o644)
		if slices.Contains(programs, name) {
			mode = 0o755
		}
		if err := add(name, mode, files[name]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zipped.Close())
}

// SignPackage gives a package with a signature, in the place of one that it may have.
func SignPackage(content, signing []byte, password string) ([]byte, error) {
	m, files, err := readPackage(content)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := WritePackage(&out, m, files, signing, password); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readPackage takes a package of any platform apart.
func readPackage(content []byte) (*sdk.Manifest, map[string][]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, nil, errors.New("it is no plugin package")
	}
	u := &unpacking{tar: tar.NewReader(io.LimitReader(zipped, maxUnpacked)), seen: map[string]bool{}}
	files := map[string][]byte{}
	for {
		h, err := u.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if files[h.Name], err = io.ReadAll(u.tar); err != nil {
			return nil, nil, fmt.Errorf("read the package: %w", err)
		}
	}
	m, err := sdk.ParseManifest(files[manifestName])
	if err != nil {
		return nil, nil, err
	}
	delete(files, manifestName)
	delete(files, signatureName)
	for name, f := range m.Files {
		if sumOf(files[name]) != f.SHA256 {
			return nil, nil, fmt.Errorf("%s in it is not what its plugin.json says: pack it again", name)
		}
	}
	return m, files, nil
}

// NewSigningKey makes a key to sign packages with: its public half in minisign's form, and the private half as it is
// kept in a file, encrypted unless the password is empty.
func NewSigningKey(password string) (public string, private []byte, err error) {
	pub, key, err := minisign.GenerateKey(nil)
	if err != nil {
		return "", nil, fmt.Errorf("make a key: %w", err)
	}
	if password == "" {
		private, err = key.MarshalText()
	} else {
		private, err = minisign.EncryptKey(password, key)
	}
	if err != nil {
		return "", nil, fmt.Errorf("write the key: %w", err)
	}
	return pub.String(), append(bytes.TrimRight(private, "\n"), '\n'), nil
}

// KeyWantsPassword tells whether a private key is encrypted.
func KeyWantsPassword(private []byte) bool { return minisign.IsEncrypted(private) }

func readSigningKey(private []byte, password string) (key minisign.PrivateKey, err error) {
	if minisign.IsEncrypted(private) {
		if key, err = minisign.DecryptKey(password, private); err != nil {
			return key, errors.New("the key can't be opened: the password is wrong, or the file is damaged")
		}
		return key, nil
	}
	if err := key.UnmarshalText(bytes.TrimSpace(private)); err != nil {
		return key, errors.New("that is no minisign private key; `openvibez plugin keygen` makes one")
	}
	return key, nil
}

// TryProgram starts a plugin's program once, as the host does at an installation, and sees that what it says of itself
// agrees with its manifest.
func (m *Manager) TryProgram(ctx context.Context, path string, manifest *sdk.Manifest) error {
	if err := wantsProgram(manifest); err != nil {
		return fmt.Errorf("%s could not be installed anywhere: %w", manifest.Name, err)
	}
	return m.tryOut(ctx, file{id: manifest.ID, path: path, development: true}, &pack{manifest: manifest})
}
