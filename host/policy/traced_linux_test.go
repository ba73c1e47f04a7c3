package policy

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// trial is one command that is said to read, and what it did.
type trial struct {
	tool    string
	option  string // what is tried; "" for operands alone
	argv    []string
	effects []string
	refused bool // the tool has no such option
}

// TestTraced runs every option of every program that is said to read and watches what it opens, changes and starts.
func TestTraced(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: apt install strace")
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/games")
	dir := tracedWorkspace(t)
	if out, err := exec.Command("strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace can't trace here: %v %s", err, out)
	}
	var trials []*trial
	var missing []string
	for _, tool := range readers(t) {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
			continue
		}
		trials = append(trials, trialsOf(tool)...)
	}
	trials = append(trials, combined(t)...)
	if len(missing) > 0 {
		t.Logf("not on this machine, so not tried: %s", strings.Join(missing, " "))
	}
	said := trials[:0]
	tried := map[string]bool{}
	for _, tr := range trials {
		d := at(quotedWords(tr.argv), TrustTrusted, AccessReadOnly, LevelFull)
		if d.Verdict == Allow {
			said = append(said, tr)
			tried[tr.tool] = true
		}
	}
	const parts = 6
	var group sync.WaitGroup
	for i := range parts {
		group.Go(func() { traced(t, dir, i, said[len(said)*i/parts:len(said)*(i+1)/parts]) })
	}
	group.Wait()
	works := map[string]bool{}
	for _, tr := range said {
		key := tr.tool + " " + tr.option
		if tr.tool == "git" || tr.tool == "git script" { // many of its commands share a row
			key = "git"
		}
		works[key] = works[key] || !tr.refused
		if len(tr.effects) > 0 {
			t.Errorf("%s is said to read, and: %s", quotedWords(tr.argv), strings.Join(tr.effects, "; "))
		}
	}
	var refused []string
	for key, ok := range works {
		if !ok {
			refused = append(refused, key)
		}
	}
	slices.Sort(refused)
	t.Logf("%d commands of %d programs", len(said), len(tried))
	if len(refused) > 0 {
		t.Errorf("options that these programs do not have here: %s", strings.Join(refused, ", "))
	}
	if len(said) < 1000 {
		t.Errorf("only %d commands were watched", len(said))
	}
}

// readers is the names of the table whose class is read.
func readers(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		f, is := n.(*ast.FuncDecl)
		if is && f.Name.Name != "specOf" {
			return false
		}
		clause, is := n.(*ast.CaseClause)
		if !is {
			return true
		}
		for _, e := range clause.List {
			if lit, is := e.(*ast.BasicLit); is {
				name, _ := strconv.Unquote(lit.Value)
				if s, ok := specOf(name); ok && s.class == ClassRead && name != ":" {
					names = append(names, name)
				}
			}
		}
		return true
	})
	return names
}

// trialsOf makes commands of a program's row, and of what the program itself says it takes where the row lets all pass.
func trialsOf(tool string) []*trial {
	s, _ := specOf(tool)
	var operands []string
	for _, role := range strings.Fields(s.operands) {
		switch role[0] {
		case 'r':
			operands = append(operands, sampleOf(tool))
		case 't':
			if text := textOf(tool); text != "" {
				operands = append(operands, text)
			}
		case '+':
			operands = append(operands, "+%s")
		}
	}
	var all []*trial
	add := func(option string, options ...string) {
		all = append(all, &trial{tool: tool, option: option, argv: slices.Concat([]string{tool}, options, operands)})
	}
	add("")
	all = append(all, &trial{tool: tool, argv: []string{tool, "@args"}}, &trial{tool: tool, argv: []string{tool, "./prog"}},
		&trial{tool: tool, argv: []string{tool, "value.txt", "value.txt"}})
	for _, o := range optionsOf(tool, s) {
		switch {
		case o.role == 0:
			add(o.name, o.name)
		case o.role == '2' || o.role == '3':
			add(o.name, o.name, "name", "sample.json")
		default:
			values := []string{"1", "x", "value.txt", "|./prog", "@args"}
			if o.role == 'r' {
				values = []string{sampleOf(tool), "@args"}
			}
			for _, v := range values {
				switch {
				case strings.HasPrefix(o.name, "--"):
					add(o.name, o.name+"="+v)
					if !o.optional && (v == "1" || v == "value.txt" || o.role == 'r') {
						add(o.name, o.name, v)
					}
				case o.optional:
					add(o.name, o.name+v)
				default:
					add(o.name, o.name, v)
				}
			}
			if o.optional {
				add(o.name, o.name)
			}
		}
	}
	return all
}

type listedOption struct {
	option
	name string
}

func optionsOf(tool string, s spec) []listedOption {
	var list []listedOption
	for _, word := range strings.Fields(s.options) {
		if len(word) < 2 {
			continue
		}
		bare, _, _ := strings.Cut(word, "!")
		bare, role, _ := strings.Cut(bare, ":")
		bare, optional := strings.CutSuffix(bare, "?")
		o := option{optional: optional}
		if role != "" {
			o.role = role[0]
		}
		if strings.HasPrefix(bare, "--") {
			if goStyle(tool) {
				bare = bare[1:]
			}
			list = append(list, listedOption{o, bare})
			continue
		}
		for i, letter := range bare[1:] {
			one := o
			if i+2 < len(bare) {
				one.role, one.optional = 0, false
			}
			list = append(list, listedOption{one, "-" + string(letter)})
		}
	}
	return list
}

func sampleOf(tool string) string {
	switch tool {
	case "strings", "size", "nm", "readelf", "objdump":
		return "prog.o"
	case "jq":
		return "sample.json"
	case "xmllint":
		return "sample.xml"
	case "zcat", "zgrep":
		return "sample.gz"
	case "bzcat", "xzcat", "zstdcat":
		return "sample." + map[string]string{"bzcat": "bz2", "xzcat": "xz", "zstdcat": "zst"}[tool]
	case "gofmt":
		return "sample.go"
	case "shellcheck", "shfmt":
		return "sample.sh"
	}
	return "sample.txt"
}

func textOf(tool string) string {
	switch tool {
	case "yes", "arch", "nproc", "whoami", "logname", "tty", "uptime", "free", "uname", "locale", "lscpu", "clear", "vmstat", "lsblk", "id", "groups", "getconf", "cal":
		return ""
	case "jq":
		return "."
	case "sleep":
		return "0"
	case "tput":
		return "cols"
	case "man":
		return "ls"
	case "seq", "factor", "numfmt", "expr":
		return "7"
	}
	return "x"
}

// tracedWorkspace is a directory of samples, with a program that must not start and texts that must not be opened.
func tracedWorkspace(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "traced")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	work := filepath.Join(dir, "work")
	for name, text := range map[string]string{
		"sample.txt": "one\ntwo x\n", "sample.json": `{"a": [1]}`, "sample.xml": "<a><b/></a>", "sample.go": "package x\n", "sample.sh": "#!/bin/sh\necho x\n",
		"value.txt": "value\n", "args": "--help\n", "prog": "#!/bin/sh\n: > made\n",
	} {
		if err := os.MkdirAll(work, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	object, err := os.ReadFile("/bin/true")
	if err == nil {
		err = os.WriteFile(filepath.Join(work, "prog.o"), object, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for ext, packer := range map[string]string{"gz": "gzip", "bz2": "bzip2", "xz": "xz", "zst": "zstd"} {
		if out, err := exec.Command("sh", "-c", packer+" -c "+work+"/sample.txt > "+work+"/sample."+ext).CombinedOutput(); err != nil {
			t.Logf("no sample of %s: %s", packer, out)
		}
	}
	repository(t, work)
	for _, sub := range []string{"err", "tmp", "trace", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	_ = filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Chmod(path, 0o777) })
	return dir
}

func quotedWords(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		out[i] = a
		if strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=+-,:@%") != "" || a == "" {
			out[i] = "'" + a + "'"
		}
	}
	return strings.Join(out, " ")
}

// traced runs commands one after the other under one tracer, as somebody who may do little.
func traced(t *testing.T, dir string, part int, trials []*trial) {
	var script strings.Builder
	fmt.Fprintf(&script, "cd %s/work\n", dir)
	for i, tr := range trials {
		fmt.Fprintf(&script, "{ : </mark/%d; } 2>/dev/null\ntimeout -s KILL 2 %s </dev/null >/dev/null 2>%s/err/%d-%d\n", i, quotedWords(tr.argv), dir, part, i)
	}
	file := fmt.Sprintf("%s/trace/%d", dir, part)
	if err := os.WriteFile(file+".sh", []byte(script.String()), 0o755); err != nil {
		t.Error(err)
		return
	}
	calls := "open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,mknod,mknodat,truncate," +
		"chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utime,utimes,utimensat,futimesat,setxattr,lsetxattr,fsetxattr,execve,execveat,connect,bind,kill,mount," +
		"sethostname,settimeofday,clock_settime"
	cmd := exec.Command("strace", "-f", "-qq", "--seccomp-bpf", "-s", "300", "-e", "trace="+calls, "-e", "signal=none", "-o", file, "bash", "--norc", "--noprofile", file+".sh")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir + "/home", "TMPDIR=" + dir + "/tmp", "LC_ALL=C", "TERM=dumb", "PAGER=cat", "MANPAGER=cat", "GIT_OPTIONAL_LOCKS=0", "GIT_CONFIG_NOSYSTEM=1", "npm_config_update_notifier=false",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_PAGER=cat",
	}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && out.Len() > 0 && !strings.Contains(out.String(), "Killed") {
		t.Errorf("trace: %v %s", err, out.String()[:min(300, out.Len())])
	}
	readTrace(t, file, dir, trials)
	for i, tr := range trials {
		text, _ := os.ReadFile(fmt.Sprintf("%s/err/%d-%d", dir, part, i))
		lower := strings.ToLower(string(text))
		for _, words := range []string{"unrecognized option", "unrecognised option", "invalid option", "unknown option", "illegal option", "bad option", "not defined", "unexpected argument '-", "found argument '-"} {
			tr.refused = tr.refused || strings.Contains(lower, words)
		}
	}
}

// readTrace gives each trial what its processes did. What the shell and timeout do around them does not count.
func readTrace(t *testing.T, file, dir string, trials []*trial) {
	data, err := os.Open(file)
	if err != nil {
		t.Error(err)
		return
	}
	defer data.Close()
	var now *trial
	started := false           // the program itself
	own := map[string]bool{}   // processes of the program
	cut := map[string]string{} // calls that another process interrupted
	lines := bufio.NewScanner(data)
	lines.Buffer(nil, 1<<20)
	path := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	for lines.Scan() {
		pid, call, _ := strings.Cut(lines.Text(), " ")
		call = strings.TrimLeft(call, " ")
		if head, is := strings.CutSuffix(call, " <unfinished ...>"); is {
			cut[pid] = head
			continue
		}
		if _, tail, is := strings.Cut(call, " resumed>"); is && strings.HasPrefix(call, "<...") {
			call = cut[pid] + tail
		}
		name, rest, is := strings.Cut(call, "(")
		if !is || strings.Contains(name, "?") {
			continue
		}
		first := ""
		if m := path.FindStringSubmatch(rest); m != nil {
			first = m[1]
		}
		if n, is := strings.CutPrefix(first, "/mark/"); is {
			i, _ := strconv.Atoi(n)
			now, started, own = trials[i], false, map[string]bool{}
			continue
		}
		if now == nil {
			continue
		}
		good := strings.Contains(rest, " = 0")
		if name == "execve" {
			switch base := filepath.Base(first); {
			case !good:
			case strings.Contains(rest, `["timeout", "-s", "KILL", "2"`): // ours, around each trial
				started = false
			case !started:
				started = true
				own[pid] = true
			case !slices.Contains(startsToo(now.tool), base) && !slices.Contains(startsToo(now.tool), "*"):
				now.effects = append(now.effects, "starts "+first)
			}
			continue
		}
		if !started {
			continue
		}
		effect := name + " " + first
		// What the sandbox gives each conversation for itself, and what man keeps of pages where it may.
		inTemp := strings.HasPrefix(first, dir+"/tmp/") || strings.HasPrefix(first, dir+"/home/") || (now.tool == "man" || now.tool == "info") && strings.HasPrefix(first, "/var/cache/man/")
		switch name {
		case "open", "openat", "openat2", "creat":
			writes := name == "creat" || strings.Contains(rest, "O_WRONLY") || strings.Contains(rest, "O_RDWR") || strings.Contains(rest, "O_CREAT")
			tells := now.told(filepath.Base(first))
			device := strings.HasPrefix(first, "/dev/") || strings.HasPrefix(first, dir+"/err/")
			if writes && now.tool == "git" && strings.HasSuffix(first, "/.git/index.lock") {
				continue // what it knows of the files' times, and it goes on where that is read-only
			}
			if !(writes && !device && !inTemp) && !tells {
				continue
			}
			if tells && !writes {
				effect = "opens its text " + first
			}
		case "connect", "bind":
			if strings.Contains(rest, "htons(53)") && slices.Contains([]string{"ss", "netstat", "lsof", "hostname", "ps"}, now.tool) {
				continue // they look up names, where the sandbox has no network
			}
			if now.tool == "pip" && name == "bind" && strings.Contains(rest, "::1") {
				continue // to see whether there is IPv6
			}
			if !strings.Contains(rest, "AF_INET") && (strings.Contains(rest, "nscd") || strings.Contains(rest, "AF_NETLINK") || strings.Contains(rest, "AF_UNSPEC")) {
				continue
			}
		case "kill":
			if !own[pid] || strings.Contains(rest, ", 0)") {
				continue // timeout ends it
			}
		default:
			if inTemp || now.tool == "git" && strings.HasSuffix(first, "/.git/index.lock") {
				continue
			}
		}
		if !slices.Contains(now.effects, effect) {
			now.effects = append(now.effects, effect)
		}
	}
}

// told tells of files that the program can only have opened because it took text for their names.
func (tr *trial) told(name string) bool {
	switch {
	case slices.Contains([]string{"rg", "tree", "fdfind", "cloc"}, tr.tool), strings.HasPrefix(tr.tool, "git"): // they open all there is
		return false
	case name == "args":
		return true
	}
	return name == "value.txt" && tr.option != ""
}

// startsToo tells of programs that are made of several, and start no others.
func startsToo(tool string) []string {
	switch tool {
	case "zcat", "gunzip", "tar":
		return []string{"gzip"}
	case "git":
		return []string{"git"}
	case "git script": // of git's own
		return []string{"*"}
	case "go": // it asks its tools for their versions, and git, which decides together with it (TestGitProgram)
		return []string{"go", "compile", "asm", "link", "git"}
	case "npm":
		return []string{"node"}
	case "timeout", "nice":
		return []string{"cat"}
	case "zgrep":
		return []string{"gzip", "grep", "sed", "expr", "bash", "sh", "mktemp", "cat", "rm"}
	case "cloc":
		return []string{"pwd"}
	case "egrep", "fgrep":
		return []string{"grep"}
	case "man", "info": // info shows a page of man where it has none
		return []string{"*"}
	}
	return nil
}
