package policy

// specOf is the table of programs that do the same kind of thing whatever they are given, save for what their options say.
func specOf(name string) (spec, bool) {
	read := func(operands, options string) (spec, bool) {
		return spec{ClassRead, "", operands, options, false}, true
	}
	write := func(operands, options string) (spec, bool) {
		return spec{ClassBuild, "", operands, options, false}, true
	}
	switch name {
	case "true", "false", ":", "echo": // whatever they are given is text
		return read("t*", "**")
	case "pwd", "seq", "sleep", "yes", "basename", "dirname", "expr", "nproc", "arch", "whoami", "id", "groups",
		"logname", "tty", "uptime", "free", "cal", "factor", "numfmt", "uname", "printenv", "lscpu", "clear", "tput", "vmstat", "lsblk":
		return read("t*", readOptions(name)+" *")
	case "locale": // its list of charmaps is made by starting gzip for each
		return read("t*", "-akcv --all-locales --keyword-name --category-name --verbose")
	case "uuidgen": // by the clock it notes the time in a file
		return read("", "-r --random")
	case "getconf": // with -v it starts itself anew
		return read("t*", "-a")
	case "ls", "dir", "vdir", "cat", "tac", "head", "tail", "wc", "nl", "rev", "fold", "fmt", "paste", "join", "comm", "cmp", "expand", "unexpand",
		"cut", "md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum", "cksum", "sum", "stat", "readlink", "realpath", "df", "du",
		"od", "hexdump", "pathchk", "tsort", "column", "look", "bzcat", "xzcat", "ps", "pstree":
		return read("r*", readOptions(name)+" *")
	case "pgrep":
		return read("t*", "-flacinovwxA -u:t -U:t -g:t -G:t -P:t -t:t -r:t -d:t -s:t --full --list-name --list-full --count --ignore-case --newest --oldest --inverse --exact "+
			"--delimiter:t --pgroup:t --group:t --parent:t --session:t --terminal:t --euid:t --uid:t --runstates:t --lightweight --ns:t --nslist:t")
	case "zcat": // gzip, told to write to standard output
		return read("r*", "-fqv --force --quiet --verbose")
	case "zgrep":
		return read("t? r*", "-e:t -m:t -A:t -B:t -C:t -EFGivwxclLoqsbHhnaI --ignore-case --invert-match --count --files-with-matches --line-number --color?:t --colour?:t")
	case "strings":
		return read("r*", "-adfowh -n:t -t:t -e:t -s:t --all --data --print-file-name --bytes:t --radix:t --include-all-whitespace --encoding:t --output-separator:t "+
			"--help --version 0123456789")
	case "size":
		return read("r*", "-ABGodxth --format:t --common --radix:t --totals --help --version")
	case "nm":
		return read("r*", "-aACDgnopPrSuvhlU -f:t -t:t -X:t --debug-syms --print-file-name --demangle?:t --no-demangle --dynamic --defined-only --extern-only --format:t "+
			"--line-numbers --numeric-sort --no-sort --portability --print-armap --print-size --quiet --reverse-sort --size-sort --special-syms --synthetic "+
			"--radix:t --undefined-only --with-symbol-versions --no-weak --just-symbols --help --version -s -W")
	case "readelf":
		return read("r*", "-ahlSgtesnruVdAcDIWHvTL -x:t -p:t -R:t -z -w?:t --all --file-header --program-headers --segments --section-headers --sections --section-groups --section-details "+
			"--headers --syms --symbols --dyn-syms --lto-syms --sym-base:t --notes --relocs --unwind --dynamic --version-info --arch-specific --archive-index "+
			"--use-dynamic --lint --enable-checks --hex-dump:t --string-dump:t --relocated-dump:t --decompress --debug-dump?:t --demangle?:t --no-demangle "+
			"--histogram --wide --silent-truncation --help --version")
	case "basenc":
		return read("r*", "-diw:t --decode --ignore-garbage --wrap:t --base64 --base64url --base32 --base32hex --base16 --base2msbf --base2lsbf --z85")
	case "base64", "base32":
		return read("r*", "-diw:t --decode --ignore-garbage --wrap:t")
	case "zstdcat":
		return read("r*", "-dcfkqv --quiet --verbose --force")
	case "cloc":
		return read("r*", "--json --yaml --csv --md --quiet --by-file --by-file-by-lang --by-percent:t "+
			"--exclude:t --exclude-dir:t --exclude-ext:t --exclude-lang:t --include-ext:t --include-lang:t --match-f:t --not-match-f:t --not-match-d:t "+
			"--fullpath --hide-rate --sum-one --version")
	case "figlet", "cowsay":
		return read("t*", "")
	case "tr":
		return read("t*", readOptions(name)+" *")
	case "uniq":
		return read("r? w?", "-cdDuizf:t -s:t -w:t --count --repeated --all-repeated?:t --unique --ignore-case --zero-terminated --skip-fields:t --skip-chars:t --check-chars:t --group?:t")
	case "xxd":
		// What looks like an option behind the first file is the file that it writes.
		return spec{ClassRead, "", "r? w?", "-abceEhipruRC -c:t -g:t -l:t -o:t -s:t -n:t -cols:t", true}, true
	case "sort":
		return read("r*", "-bcCdfghiMmnrRsuVz -k:t -t:t -S:t -T:w -o:w --ignore-leading-blanks --check?:t --dictionary-order --ignore-case --general-numeric-sort "+
			"--human-numeric-sort --ignore-nonprinting --month-sort --merge --numeric-sort --reverse --random-sort --stable --unique --version-sort --zero-terminated "+
			"--key:t --field-separator:t --buffer-size:t --temporary-directory:w --output:w --parallel:t --batch-size:t --sort:t --files0-from:r --random-source:r --compress-program:x --debug")
	case "grep", "egrep", "fgrep":
		return read("t? r*", readOptions(name)+" *")
	case "diff": // it hands its output to pr with -l
		return read("r*", "-qsicpCuUeynrNxXSTtEZbwBIaWd0123456789 -C:t -U:t -L:t -x:t -X:r -I:t -W:t -F:t -S:t --label:t --brief --report-identical-files --unified?:t --context?:t --side-by-side --width:t --left-column --suppress-common-lines --recursive --new-file --unidirectional-new-file --exclude:t --exclude-from:r --ignore-case --ignore-all-space --ignore-space-change --ignore-blank-lines --ignore-trailing-space --ignore-tab-expansion --ignore-matching-lines:t --text --strip-trailing-cr --color?:t --no-dereference --from-file:r --to-file:r --minimal --normal --show-c-function --show-function-line:t --speed-large-files --starting-file:t --expand-tabs --initial-tab --suppress-blank-empty --line-format:t --old-line-format:t --new-line-format:t --unchanged-line-format:t --changed-group-format:t --unchanged-group-format:t")
	case "rg":
		return read("t? r*", "-iSsvwxcoqnNHhIlFLPUu.p0a -z!b -e:t -f:r -g:t -t:t -T:t -m:t -A:t -B:t -C:t -M:t -r:t -j:t -E:t --ignore-case --smart-case --case-sensitive --invert-match --word-regexp --line-regexp --count --count-matches --only-matching --quiet --line-number --no-line-number --with-filename --no-filename --files-with-matches --files-without-match --files --fixed-strings --pcre2 --multiline --multiline-dotall --hidden --no-hidden --no-ignore --no-ignore-vcs --no-ignore-parent --no-ignore-dot --no-ignore-global --no-ignore-exclude --unrestricted --text --null --pretty --vimgrep --json --stats --trim --heading --no-heading --column --no-column --color:t --colors:t --glob:t --iglob:t --type:t --type-not:t --type-list --type-add:t --max-count:t --max-depth:t --max-filesize:t --max-columns:t --max-columns-preview --after-context:t --before-context:t --context:t --context-separator:t --replace:t --regexp:t --file:r --follow --no-follow --sort:t --sortr:t --threads:t --encoding:t --crlf --no-messages --no-config --one-file-system --passthru --search-zip!b --no-require-git --byte-offset --block-buffered --line-buffered --engine:t --pre:x --pre-glob:t --hostname-bin:x --ignore-file:r --no-pre --debug --trace --version")
	case "fd", "fdfind":
		return read("t? r*", "-HIuLpsiagF0q1 -l!b -t:t -e:t -E:t -d:t -S:t -o:t -c:t -j:t -x:x -X:x --hidden --no-ignore --no-ignore-vcs --unrestricted --case-sensitive --ignore-case --glob --regex --fixed-strings --absolute-path --follow --full-path --print0 --max-depth:t --min-depth:t --exact-depth:t --type:t --extension:t --exclude:t --size:t --changed-within:t --changed-before:t --owner:t --color:t --quiet --max-results:t --exec:x --exec-batch:x --list-details!b --base-directory:r --search-path:r --strip-cwd-prefix?:t")
	case "tree":
		return read("r*", "-adflxqNQpugshDFvtcUrCAniSXJ -L:t -P:t -I:t -H:t -T:t -o:w --noreport --dirsfirst --filesfirst --prune --du --si --gitignore --filelimit:t --matchdirs --ignore-case --charset:t --inodes --device --sort:t --timefmt:t --fromfile --hintro:r --houtro:r --gitfile:r --metafirst --info")
	case "file":
		return read("r*", "-bikLhNnrs0 -p!b -z!b -Z!b -F:t -P:t --brief --mime --mime-type --mime-encoding --dereference --no-dereference --no-pad --raw --separator:t --extension --keep-going --magic-file:x -m:x --files-from:r -f:r")
	case "jq":
		return read("t? r*", "-nrjaCMScRseh0 --null-input --raw-input --raw-output --join-output --ascii-output --color-output --monochrome-output --sort-keys --compact-output --slurp --exit-status --tab --seq --stream --stream-errors --indent:t --args --jsonargs --arg:2 --argjson:2 --slurpfile:3 --rawfile:3 --from-file:r -f:r -L:r --unbuffered")
	case "yq": // two programs have this name, and neither was looked at
		return write("t? r*", "-nrjPCMe0 -o:t -p:t -I:t -i!b --inplace!b --null-input --raw-output --output-format:t --input-format:t --prettyPrint --colors --no-colors --indent:t --exit-status --unwrapScalar?:t --no-doc -N -y -Y -S -c")
	case "shuf":
		return read("r*", "-eizrn:t -o:w --echo --input-range:t --head-count:t --repeat --zero-terminated --output:w --random-source:r")
	case "iconv":
		return read("r*", "-clsf:t -t:t -o:w --from-code:t --to-code:t --list --silent --output:w --verbose")
	case "ss": // -r asks a service for names
		return read("t*", "-tulnapeimosxw46H --tcp --udp --listening --numeric --all --processes --extended --summary --help")
	case "netstat":
		return read("", "-tulnapeiosrxw46 --tcp --udp --listening --numeric --all --route --help")
	case "lsof":
		return read("r*", "-nPtUi?:t -p:t -u:t -c:t -a")
	case "top":
		return read("", "-bciHn:t -d:t -p:t -o:t -u:t")
	case "bc":
		return read("r*", "-lwsqi --mathlib --quiet --standard --warn")
	case "date":
		return read("+?", "-uRI?:t -d:t -r:r -f:r -s!d --date:t --utc --universal --iso-8601?:t --rfc-3339:t --rfc-email --reference:r --file:r --set!d --debug")
	case "hostname":
		return read("", "-sfidIAyaa --short --fqdn --ip-address --all-ip-addresses --domain")
	case "more":
		return read("r*", "-dflcpsu0123456789 -n:t --silent --logical --no-pause --print-over --clean-print --squeeze --plain --lines:t")
	case "less":
		return read("r*", "-NSRFXEMQUginrsw0123456789 --no-init --quit-if-one-screen --RAW-CONTROL-CHARS --chop-long-lines --LINE-NUMBERS --tabs:t -p:t -x:t")
	case "bat", "batcat":
		return read("r*", "-npAfu -l:t -r:t -H:t --plain --number --language:t --line-range:t --highlight-line:t --style:t --color:t --theme:t --decorations:t --paging:t --show-all --wrap:t --tabs:t --file-name:t --diff --terminal-width:t")
	case "apropos", "whatis":
		return read("t*", "-s:t --sections:t --exact --wildcard --regex --and --long -elrw")
	case "info":
		return read("t*", "-aw --where --all --location")
	case "man": // it starts its own programs, which format a page; what shows it is cat
		return read("t*", "-afwk -s:t -S:t -P:x -H?:x --pager:x --html?:x --where --all --whatis --apropos --sections:t")
	case "xmllint":
		return read("r*", "--noout --format --nonet --noblanks --xpath:t --schema:r --dtdvalid:r --relaxng:r --valid --recover --noent:x --nowarning --pretty:t --c14n --encode:t --output:w -o:w --html --huge --stream --compress:x --sax")
	case "shellcheck":
		return read("r*", "-xaV -s:t -e:t -i:t -f:t -S:t -o:t -W:t -P:r --shell:t --exclude:t --include:t --format:t --severity:t --color?:t --external-sources --norc --enable:t --wiki-link-count:t --check-sourced --source-path:r")
	case "objdump":
		return read("r*", "-dDhxtTrsSgGlCpafwz -M:t -j:t -m:t --disassemble?:t --source --headers --syms --demangle?:t --section:t --no-show-raw-insn --start-address:t --stop-address:t")
	case "gofmt":
		return read("r*", "--l --e --s --d --w!b --r:t")
	case "shfmt":
		return read("r*", "--l --d --w!b --i:t --ln:t --ci --bn --sr --kp --fn --s --mn --f --p --list --diff --write!b --simplify --indent:t --language-dialect:t "+
			"--posix --case-indent --binary-next-line --space-redirects --keep-padding --func-next-line --minify --find --version")
	case "mkdir":
		return write("w*", "-pvm:t --parents --verbose --mode:t")
	case "rmdir":
		return write("W*", "-pv --parents --verbose --ignore-fail-on-non-empty")
	case "touch":
		return write("w*", "-acmhf -d:t -t:t -r:r --date:t --reference:r --no-create --no-dereference --time:t")
	case "truncate":
		return write("w*", "-cos:t -r:r --no-create --size:t --reference:r --io-blocks")
	case "rm":
		return write("W*", "-rRfidvI --recursive --force --dir --verbose --one-file-system --interactive?:t --preserve-root?:t --no-preserve-root!d")
	case "unlink", "shred":
		return write("W*", "-fuvxz -n:t -s:t --force --remove?:t --verbose --zero --iterations:t")
	case "cp":
		return write("r* w", "-aRrfinuvpdPLHlsTxZ -t:w --archive --recursive --force --interactive --no-clobber --update?:t --verbose --preserve?:t --no-preserve:t --parents --dereference --no-dereference --link --symbolic-link --target-directory:w --no-target-directory --one-file-system --sparse:t --reflink?:t --backup?:t -b -S:t --suffix:t --attributes-only --strip-trailing-slashes --remove-destination")
	case "mv":
		return write("W* w", "-finuvTb -t:w -S:t --force --interactive --no-clobber --update?:t --verbose --target-directory:w --no-target-directory --backup?:t --suffix:t --strip-trailing-slashes --exchange")
	case "ln":
		return write("r* w", "-sfnvirTbLP -t:w -S:t --symbolic --force --no-dereference --verbose --relative --interactive --target-directory:w --no-target-directory --backup?:t --suffix:t --logical --physical")
	case "install":
		return write("w*", "-dDvpcCT -m:t -t:w -o:x -g:x -s:x --directory --mode:t --target-directory:w --verbose --preserve-timestamps --compare --no-target-directory --strip-program:x --strip:x --owner:x --group:x --backup?:t")
	case "tee":
		return write("w*", "-aip --append --ignore-interrupts --output-error?:t")
	case "sponge":
		return write("w?", "-a")
	case "mktemp":
		return write("w?", "-dqut -p:w --directory --dry-run --quiet --suffix:t --tmpdir?:w")
	case "mkfifo":
		return write("w*", "-m:t --mode:t")
	case "split":
		return write("r? w?", "-dxe0123456789 -a:t -b:t -C:t -l:t -n:t -t:t --bytes:t --lines:t --line-bytes:t --number:t --numeric-suffixes?:t --hex-suffixes?:t --suffix-length:t --additional-suffix:t --elide-empty-files --separator:t --verbose --filter:x")
	case "csplit":
		return write("r t*", "-kqsz -f:w -b:t -n:t --prefix:w --suffix-format:t --digits:t --keep-files --quiet --elide-empty-files --suppress-matched")
	case "patch":
		return write("w? r?", "-NRfsbEutclnZ0123456789 -p:t -i:r -d:C -o:w -r:w -F:t -B:t -z:t -Y:t -V:t --strip:t --input:r --directory:C --output:w --reject-file:w --forward --reverse --force --batch --dry-run --quiet --silent --verbose --backup --fuzz:t --binary --remove-empty-files --no-backup-if-mismatch --posix --merge?:t --unified --context --normal -e:x --ed:x --get:x -g:x --set-time --set-utc --follow-symlinks:x --read-only:t --reject-format:t")
	case "gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "lzma", "zstd", "unzstd", "lz4", "compress", "uncompress":
		return write("W*", "-cdfklLnNqrtvz0123456789 -S:t -T:t -o:w -M:t --stdout --to-stdout --decompress --uncompress --keep --force --list --test --quiet --verbose --recursive --fast --best --rm --suffix:t --threads:t --extreme --ultra -e")
	case "zip":
		return write("w r*", "-rjqvmu9876543210DoyXlklfdFgAJz -x:t -i:t -b:w -t:t -n:t -P:t -O:w --recurse-paths --quiet --exclude:t --include:t --junk-paths --move --update --freshen --symlinks --test:x -T:x -TT:x --unzip-command:x")
	case "unzip":
		return write("r t*", "-loqvtuafncjpXUCDLZ -d:w -x:t -P:t")
	case "ar", "ranlib", "strip", "objcopy":
		return write("w*", "-rcsdtxqvpugSDU")
	case "chmod":
		return write("m w*", "-RvcfHLP --recursive --verbose --changes --silent --quiet --reference:r --preserve-root --no-preserve-root!d")
	case "chown", "chgrp":
		return write("t w*", "-RvcfhHLP --recursive --verbose --changes --silent --quiet --reference:r --no-dereference --preserve-root --no-preserve-root!d --from:t")
	case "dos2unix", "unix2dos":
		return write("w*", "-kqfnb --keepdate --quiet --force --newfile")
	case "dd":
		return write("o*", "")
	}
	return spec{}, false
}

// tellsVersion tells of programs that reach far, but not when they are only asked for their version.
func tellsVersion(name string) bool {
	switch name {
	case "curl", "wget", "ssh", "docker", "podman", "docker-compose", "kubectl", "helm", "terraform", "tofu", "pulumi", "ansible", "vagrant", "aws", "gcloud", "az", "gh",
		"glab", "psql", "mysql", "redis-cli", "mongosh", "openssl", "gpg", "apt", "apt-get", "dpkg", "rpm", "dnf", "brew", "systemctl", "rclone", "nmap", "codex", "ollama":
		return true
	}
	return false
}

// damaging tells of programs that change the system itself, or act where no sandbox reaches.
func damaging(name string) string {
	switch name {
	case "sudo", "doas", "pkexec", "su", "runuser", "sudoedit", "visudo", "setpriv", "capsh", "newgrp", "sg":
		return "It wants to be another user"
	case "mkfs", "mkswap", "fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "wipefs", "blkdiscard", "mount", "umount", "swapon", "swapoff", "losetup",
		"hdparm", "badblocks", "debugfs", "tune2fs", "resize2fs", "e2fsck", "fsck", "cryptsetup", "lvremove", "vgremove", "pvremove", "zpool", "zfs", "btrfs", "mdadm", "flashrom":
		return "It changes disks"
	case "shutdown", "reboot", "halt", "poweroff", "init", "telinit", "systemctl", "service", "initctl", "rc-service", "launchctl", "kexec", "loginctl", "systemd-run", "pm2":
		return "It changes what runs on the system"
	case "insmod", "rmmod", "modprobe", "depmod", "sysctl", "iptables", "ip6tables", "nft", "ufw", "ip", "ifconfig", "route", "setenforce", "apparmor_parser", "auditctl", "chattr", "setfacl", "setcap", "hwclock", "timedatectl", "hostnamectl":
		return "It changes how the system works"
	case "useradd", "userdel", "usermod", "groupadd", "groupdel", "passwd", "chpasswd", "chsh", "chfn", "adduser", "deluser", "gpasswd", "vipw":
		return "It changes the system's users"
	case "chroot", "unshare", "nsenter", "bwrap", "firejail", "systemd-nspawn", "lxc", "lxd", "machinectl", "ptrace", "gdbserver", "flatpak-spawn", "host-spawn":
		return "It starts commands in a place of their own"
	case "crontab", "at", "batch", "anacron", "incrontab":
		return "It has commands run later"
	case "docker", "podman", "nerdctl", "buildah", "docker-compose", "ctr", "crictl", "vagrant", "virsh", "qemu-system-x86_64":
		return "It acts through a service that no sandbox holds"
	case "apt", "apt-get", "aptitude", "dpkg", "rpm", "yum", "dnf", "zypper", "pacman", "apk", "emerge", "snap", "flatpak", "brew", "port", "nix-env", "choco", "winget", "scoop", "pkg", "update-alternatives", "ldconfig", "softwareupdate":
		return "It changes the system's software"
	case "killall", "pkill", "xkill", "skill", "fuser", "killall5":
		return "It ends processes by their name"
	case "gpg", "gpg2", "gpg-agent", "ssh-add", "ssh-agent", "ssh-keygen", "secret-tool", "security", "pass", "keyctl", "kinit", "dbus-send", "gdbus", "busctl", "qdbus", "osascript", "xdotool", "xdg-open", "open", "gnome-keyring", "kwallet-query", "op", "bw", "vault":
		return "It reaches keys, or other programs of the desktop"
	}
	return ""
}
