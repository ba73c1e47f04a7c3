package plugin

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"aead.dev/minisign"

	"github.com/openvibez/openvibez/sdk"
)

const (
	manifestName  = "plugin.json"
	signatureName = manifestName + ".minisig"

	// MaxPackage is how many bytes a package may have.
	MaxPackage = 64 << 20
	// What comes out of it: all files together, the manifest, and how many there are.
	maxUnpacked = 512 << 20
	maxManifest = 1 << 20
	maxFiles    = 64
)

// pack is a package whose content is what its manifest says.
type pack struct {
	manifest *sdk.Manifest
	// Of plugin.json, in hex. It lists the hashes of all files, so it stands for the package.
	sum string
	// The program for this platform, below the package's directory, and its hash.
	program    string
	programSum string
	size       int64
	// Who signed it, in minisign's form; "" nobody.
	key string
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// unpack writes what this platform needs of a package into dir, which is empty. Nothing else is written, whatever the
// package holds. The error is for people.
func unpack(r io.Reader, dir string) (*pack, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory for the package: %w", err)
	}
	defer root.Close()
	in := &io.LimitedReader{R: r, N: MaxPackage + 1}
	// Given one that reads bytes, gzip takes no more than its own.
	packed := bufio.NewReader(in)
	zipped, err := gzip.NewReader(packed)
	if err != nil {
		return nil, errors.New("it is no plugin package: a package is a gzip-compressed tar archive with a plugin.json")
	}
	zipped.Multistream(false)
	out := &io.LimitedReader{R: zipped, N: maxUnpacked + 1}
	u := &unpacking{root: root, tar: tar.NewReader(out), seen: map[string]bool{}}
	err = u.read()
	if err == nil {
		err = restOf(out, packed)
	}
	switch {
	case in.N <= 0:
		return nil, fmt.Errorf("it is larger than the %d MiB a package may have", MaxPackage>>20)
	case out.N <= 0:
		return nil, fmt.Errorf("it unpacks to more than the %d MiB a package may hold", maxUnpacked>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it is cut off; get it again")
	case errors.Is(err, gzip.ErrChecksum) || errors.Is(err, tar.ErrHeader):
		return nil, errors.New("it is damaged; get it again")
	case err != nil:
		return nil, err
	}
	return u.pack, nil
}

// restOf sees that nothing but padding follows the archive.
func restOf(archive, file io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := archive.Read(buf)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return errors.New("it holds something behind its end")
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if n, err := io.ReadFull(file, buf[:1]); n > 0 || !errors.Is(err, io.EOF) {
		return errors.New("it holds something behind its end")
	}
	return nil
}

type unpacking struct {
	root *os.Root
	tar  *tar.Reader
	seen map[string]bool
	pack *pack
}

func (u *unpacking) read() error {
	raw, err := u.whole(manifestName)
	if err != nil {
		return err
	}
	if u.pack, err = readManifest(raw); err != nil {
		return err
	}
	next, err := u.next()
	if u.pack.manifest.SignedBy != "" {
		if err != nil || next.Name != signatureName {
			return fmt.Errorf("its signature is missing: plugin.json says that %s signed it, and %s has to follow it", u.pack.manifest.SignedBy, signatureName)
		}
		signature, err := u.content(next, maxManifest)
		if err != nil {
			return err
		}
		if err := u.pack.verify(raw, signature); err != nil {
			return err
		}
		if err := u.write(signatureName, signature); err != nil {
			return err
		}
		next, err = u.next()
		if err := u.files(next, err); err != nil {
			return err
		}
	} else if err := u.files(next, err); err != nil {
		return err
	}
	for name := range u.pack.manifest.Files {
		if !u.seen[strings.ToLower(name)] {
			return fmt.Errorf("%s, which plugin.json lists, is missing in it", name)
		}
	}
	return u.write(manifestName, raw)
}

// files reads what follows the manifest, beginning with what next gave.
func (u *unpacking) files(h *tar.Header, err error) error {
	for ; err == nil; h, err = u.next() {
		listed, ok := u.pack.manifest.Files[h.Name]
		if !ok {
			return fmt.Errorf("it holds %s, which plugin.json does not list", quoteName(h.Name))
		}
		if h.Size != listed.Size {
			return fmt.Errorf("%s has %d bytes, and plugin.json says %d", h.Name, h.Size, listed.Size)
		}
		var to io.Writer = io.Discard
		close := func() error { return nil }
		if h.Name == u.pack.program || !slices.Contains(slices.Collect(maps.Values(u.pack.manifest.Platforms)), h.Name) {
			f, err := u.create(h.Name)
			if err != nil {
				return err
			}
			to, close = f, func() error { return errors.Join(f.Sync(), f.Close()) }
		}
		hash := sha256.New()
		_, err := io.Copy(io.MultiWriter(to, hash), u.tar)
		if err := errors.Join(err, close()); err != nil {
			return err
		}
		if sum := hex.EncodeToString(hash.Sum(nil)); sum != listed.SHA256 {
			return fmt.Errorf("%s is not what plugin.json says: its SHA-256 is %s, not %s", h.Name, short(sum), short(listed.SHA256))
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// whole reads the next entry, which must have that name.
func (u *unpacking) whole(name string) ([]byte, error) {
	h, err := u.next()
	if errors.Is(err, io.EOF) || err == nil && h.Name != name {
		return nil, fmt.Errorf("it is no plugin package: %s must be the first thing in it", name)
	}
	if err != nil {
		return nil, err
	}
	return u.content(h, maxManifest)
}

func (u *unpacking) content(h *tar.Header, most int64) ([]byte, error) {
	if h.Size > most {
		return nil, fmt.Errorf("%s has %d bytes, and may have %d", h.Name, h.Size, most)
	}
	return io.ReadAll(u.tar)
}

// next gives the next regular file, its name checked. Directories are passed over: they are made as files need them.
func (u *unpacking) next() (*tar.Header, error) {
	for {
		h, err := u.tar.Next()
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir {
			h.Name = strings.TrimSuffix(h.Name, "/")
		}
		h.Name = strings.TrimPrefix(h.Name, "./")
		if h.Typeflag == tar.TypeDir && (h.Name == "." || h.Name == "") {
			continue
		}
		if err := checkName(h.Name); err != nil {
			return nil, err
		}
		lower := strings.ToLower(h.Name)
		if u.seen[lower] {
			return nil, fmt.Errorf("it holds %s twice", h.Name)
		}
		if len(u.seen) >= maxFiles {
			return nil, fmt.Errorf("it holds more than %d files", maxFiles)
		}
		u.seen[lower] = true
		switch h.Typeflag {
		case tar.TypeDir:
			continue
		case tar.TypeReg:
			return h, nil
		case tar.TypeSymlink, tar.TypeLink:
			return nil, fmt.Errorf("%s in it is a link, and a package may hold only files", h.Name)
		}
		return nil, fmt.Errorf("%s in it is no plain file, and a package may hold only files", h.Name)
	}
}

var namePart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}$`)

// checkName refuses names that are not plainly below the package's directory, on any system.
func checkName(name string) error {
	bad := name == "" || len(name) > 200 || path.Clean(name) != name
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || !namePart.MatchString(part) || strings.HasSuffix(part, ".")
	}
	if bad {
		return fmt.Errorf("it holds %s, a name that would lie outside its directory or that not every system allows", quoteName(name))
	}
	return nil
}

func quoteName(name string) string { return fmt.Sprintf("%.100q", name) }

func (u *unpacking) create(name string) (*os.File, error) {
	if dir := path.Dir(name); dir != "." {
		if err := u.root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
			return nil, fmt.Errorf("make a directory for the package: %w", err)
		}
	}
	mode := fs.FileMode(0o400)
	if name == u.pack.program {
		mode = 0o500
	}
	f, err := u.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, fmt.Errorf("write a file of the package: %w", err)
	}
	return f, nil
}

func (u *unpacking) write(name string, content []byte) error {
	f, err := u.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// readManifest takes a package's manifest and sees that it is whole, and for this host.
func readManifest(raw []byte) (*pack, error) {
	m, err := sdk.ParseManifest(raw)
	if err != nil {
		return nil, err
	}
	if !speaks(m.Protocol) {
		advice := "get a newer version of the plugin"
		if m.Protocol > sdk.ProtocolVersion {
			advice = "update OpenVibez, or get an older version of the plugin"
		}
		return nil, fmt.Errorf("%s %s was built for protocol %d, this host speaks %s: %s", m.Name, m.Version, m.Protocol, ours(), advice)
	}
	total := int64(0)
	for name, f := range m.Files {
		if err := checkName(name); err != nil {
			return nil, err
		}
		if f.Size < 0 || f.Size > maxUnpacked || len(f.SHA256) != 2*sha256.Size {
			return nil, fmt.Errorf("plugin.json does not say properly what %s is", name)
		}
		if total += f.Size; total > maxUnpacked {
			return nil, fmt.Errorf("it unpacks to more than the %d MiB a package may hold", maxUnpacked>>20)
		}
	}
	p := &pack{manifest: m, sum: sumOf(raw), program: m.Platforms[platform()]}
	program, ok := m.Files[p.program]
	if len(m.Platforms) == 0 {
		return nil, errors.New("plugin.json names no program for any platform; `openvibez plugin pack` makes packages")
	}
	if p.program == "" {
		return nil, fmt.Errorf("it holds %s for %s, and nothing for this machine (%s)", m.Name, strings.Join(slices.Sorted(maps.Keys(m.Platforms)), ", "), platform())
	}
	if !ok {
		return nil, fmt.Errorf("plugin.json does not list its own program %s", quoteName(p.program))
	}
	p.programSum, p.size = program.SHA256, program.Size
	return p, nil
}

// verify checks the signature against the key that the manifest names, and remembers the key.
func (p *pack) verify(raw, signature []byte) error {
	var key minisign.PublicKey
	if err := key.UnmarshalText([]byte(p.manifest.SignedBy)); err != nil {
		return fmt.Errorf("plugin.json names %s as the key it is signed with, which is no minisign key", quoteName(p.manifest.SignedBy))
	}
	if !minisign.Verify(key, raw, signature) {
		return fmt.Errorf("its signature is not by the key %s that plugin.json names: somebody changed it, or signed it with another key", p.manifest.SignedBy)
	}
	p.key = key.String()
	return nil
}

// openPackage reads an unpacked package anew: manifest, signature, and the hash of every file that lies there.
func openPackage(dir string) (p *pack, problems []string) {
	raw, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, []string{fmt.Sprintf("its plugin.json can't be read: %v", reason(err))}
	}
	if p, err = readManifest(raw); err != nil {
		return nil, []string{err.Error()}
	}
	if p.manifest.SignedBy != "" {
		signature, err := os.ReadFile(filepath.Join(dir, signatureName))
		if err != nil {
			problems = append(problems, fmt.Sprintf("its signature can't be read: %v", reason(err)))
		} else if err := p.verify(raw, signature); err != nil {
			problems = append(problems, err.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.manifest.Files)) {
		if name != p.program && slices.Contains(slices.Collect(maps.Values(p.manifest.Platforms)), name) {
			continue
		}
		sum, err := sumOfFile(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s can't be read: %v", name, reason(err)))
		case sum != p.manifest.Files[name].SHA256:
			problems = append(problems, fmt.Sprintf("%s was changed: its SHA-256 is %s, and it was installed as %s", name, short(sum), short(p.manifest.Files[name].SHA256)))
		}
	}
	return p, problems
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func sumOfFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// short is the beginning of a hash, enough for people.
func short(sum string) string { return sum[:min(12, len(sum))] }
