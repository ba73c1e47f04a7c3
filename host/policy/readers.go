package policy

// readOptions is the options of programs none of whose options does more than read, as they are on Debian 12.
func readOptions(name string) string {
	switch name {
	case "pwd":
		return "-LP --logical --physical --help --version"
	case "seq":
		return "-w -f:t -s:t --format:t --separator:t --equal-width --help --version"
	case "sleep", "yes", "expr", "arch", "whoami", "groups", "logname", "factor", "tsort":
		return "--help --version"
	case "basename":
		return "-az -s:t --multiple --suffix:t --zero --help --version"
	case "dirname":
		return "-z --zero --help --version"
	case "nproc":
		return "--all --ignore:t --help --version"
	case "id":
		return "-aZgGnruz --context --group --groups --name --real --user --zero --help --version"
	case "tty":
		return "-s --silent --help --version"
	case "uptime":
		return "-phsV --pretty --help --since --version"
	case "free":
		return "-bkmghltvwV -s:t -c:t --bytes --kilo --mega --giga --tera --peta --kibi --mebi --gibi --tebi --pebi --human --si " +
			"--lohi --total --committed --wide --help --version"
	case "cal":
		return "-31hjy -A:t -B:t -d:t -m:t"
	case "numfmt":
		return "-z -d:t --debug --delimiter:t --field:t --format:t --from:t --from-unit:t --grouping --header?:t --invalid:t " +
			"--padding:t --round:t --suffix:t --to:t --to-unit:t --zero-terminated --help --version"
	case "uname":
		return "-asnrvmpio --all --kernel-name --nodename --kernel-release --kernel-version --machine --processor --hardware-platform " +
			"--operating-system --help --version"
	case "printenv":
		return "-0 --null --help --version"
	case "lscpu":
		return "-abBCcJepxyhV -s:t --all --online --bytes --caches --offline --json --extended --parse --sysroot:t --hex --physical " +
			"--output-all --help --version"
	case "clear":
		return "-xV -T:t"
	case "tput":
		return "-SxV -T:t"
	case "vmstat":
		return "-afmnsdDwtyhV -p:t -S:t --active --forks --slabs --one-header --stats --disk --disk-sum --partition:t --unit:t --wide " +
			"--timestamp --no-first --help --version"
	case "lsblk":
		return "-ADJMOPSTabdfilmnprstyzhV -E:t -I:t -e:t -o:t -w:t -x:t --noempty --discard --dedup:t --include:t --json --merge " +
			"--output-all --pairs --scsi --tree --all --bytes --nodeps --exclude:t --fs --ascii --list --perms --noheadings " +
			"--output:t --paths --raw --inverse --topology --width:t --sort:t --shell --zoned --sysroot:t --help --version"
	case "ls", "dir", "vdir":
		return "-aAbBcCdDfFgGhHiklLmnNopqQrRsStuUvxXZ1 -I:t -T:t -w:t --all --almost-all --author --escape --block-size:t " +
			"--ignore-backups --color?:t --directory --dired --classify?:t --file-type --format:t --full-time " +
			"--group-directories-first --no-group --human-readable --si --dereference-command-line " +
			"--dereference-command-line-symlink-to-dir --hide:t --hyperlink?:t --indicator-style:t --inode --ignore:t --kibibytes " +
			"--dereference --numeric-uid-gid --literal --hide-control-chars --show-control-chars --quote-name --quoting-style:t " +
			"--reverse --recursive --size --sort:t --time:t --time-style:t --tabsize:t --width:t --context --zero --help --version"
	case "cat":
		return "-AbeEnstTuv --show-all --number-nonblank --show-ends --number --squeeze-blank --show-tabs --show-nonprinting --help " +
			"--version"
	case "tac":
		return "-br -s:t --before --regex --separator:t --help --version"
	case "head":
		return "-cnqvz0123456789 -c:t -n:t --bytes:t --lines:t --quiet --silent --verbose --zero-terminated --help --version"
	case "tail":
		return "-fFqvz0123456789 -c:t -n:t -s:t --bytes:t --follow?:t --lines:t --max-unchanged-stats:t --pid:t --quiet --silent " +
			"--retry --sleep-interval:t --verbose --zero-terminated --help --version"
	case "wc":
		return "-cmlLw --bytes --chars --lines --files0-from:r --max-line-length --words --help --version"
	case "nl":
		return "-p -b:t -d:t -f:t -h:t -i:t -l:t -n:t -s:t -v:t -w:t --body-numbering:t --section-delimiter:t --footer-numbering:t " +
			"--header-numbering:t --line-increment:t --join-blank-lines:t --number-format:t --no-renumber --number-separator:t " +
			"--starting-line-number:t --number-width:t --help --version"
	case "rev":
		return "-hV --help --version"
	case "fold":
		return "-bs0123456789 -w:t --bytes --spaces --width:t --help --version"
	case "fmt":
		return "-cstu -p:t -w:t -g:t --crown-margin --prefix:t --split-only --tagged-paragraph --uniform-spacing --width:t --goal:t " +
			"--help --version"
	case "paste":
		return "-sz -d:t --delimiters:t --serial --zero-terminated --help --version"
	case "join":
		return "-iz -a:t -e:t -j:t -o:t -t:t -v:t -1:t -2:t --ignore-case --check-order --nocheck-order --header --zero-terminated " +
			"--help --version"
	case "comm":
		return "-123z --check-order --nocheck-order --output-delimiter:t --total --zero-terminated --help --version"
	case "cmp":
		return "-blsv -i:t -n:t --print-bytes --ignore-initial:t --verbose --bytes:t --quiet --silent --help --version"
	case "expand":
		return "-i -t:t --initial --tabs:t --help --version"
	case "unexpand":
		return "-a -t:t --all --first-only --tabs:t --help --version"
	case "cut":
		return "-nsz -b:t -c:t -d:t -f:t --bytes:t --characters:t --delimiter:t --fields:t --complement --only-delimited " +
			"--output-delimiter:t --zero-terminated --help --version"
	case "md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum":
		return "-bctzw --binary --check --tag --text --zero --ignore-missing --quiet --status --strict --warn --help --version"
	case "b2sum":
		return "-bctzw -l:t --binary --check --length:t --tag --text --zero --ignore-missing --quiet --status --strict --warn --help " +
			"--version"
	case "cksum":
		return "-czw -a:t -l:t --algorithm:t --check --length:t --tag --untagged --zero --ignore-missing --quiet --status --strict " +
			"--warn --debug --help --version"
	case "sum":
		return "-rs --sysv --help --version"
	case "stat":
		return "-Ltf -c:t --dereference --file-system --cached:t --format:t --printf:t --terse --help --version"
	case "readlink":
		return "-femnqsvz --canonicalize --canonicalize-existing --canonicalize-missing --no-newline --quiet --silent --verbose --zero " +
			"--help --version"
	case "realpath":
		return "-emLPqsz --canonicalize-existing --canonicalize-missing --logical --physical --quiet --relative-to:t --relative-base:t " +
			"--strip --zero --help --version"
	case "df":
		return "-ahHiklPTv -B:t -t:t -x:t --all --block-size:t --human-readable --si --inodes --local --no-sync --output?:t " +
			"--portability --sync --total --type:t --print-type --exclude-type:t --help --version"
	case "du":
		return "-0abcDHhkLlmPSsx -B:t -d:t -t:t -X:r --null --all --apparent-size --block-size:t --bytes --total --dereference-args " +
			"--max-depth:t --files0-from:r --human-readable --inodes --dereference --count-links --no-dereference --separate-dirs " +
			"--si --summarize --threshold:t --time?:t --time-style:t --exclude-from:r --exclude:t --one-file-system --help " +
			"--version"
	case "od":
		return "-vabcdfhilosxDFHILOX -w?:t -A:t -j:t -N:t -S:t -t:t --address-radix:t --endian:t --skip-bytes:t --read-bytes:t " +
			"--format:t --output-duplicates --width?:t --strings?:t --traditional --help --version"
	case "hexdump":
		return "-bcCdoxLvhV -e:t -f:r -n:t -s:t --one-byte-octal --one-byte-char --canonical --two-bytes-decimal --two-bytes-octal " +
			"--two-bytes-hex --color?:t --format:t --format-file:r --length:t --skip:t --no-squeezing --help --version"
	case "pathchk":
		return "-pP --portability --help --version"
	case "column":
		return "-tdeLJxhV -n:t -O:t -N:t -l:t -E:t -H:t -R:t -T:t -W:t -r:t -i:t -p:t -c:t -o:t -s:t --table --table-name:t " +
			"--table-order:t --table-columns:t --table-columns-limit:t --table-noextreme:t --table-noheadings --table-header-repeat " +
			"--table-hide:t --table-right:t --table-truncate:t --table-wrap:t --keep-empty-lines --json --tree:t --tree-id:t " +
			"--tree-parent:t --output-width:t --output-separator:t --separator:t --fillrows --help --version"
	case "look":
		return "-adfhV -t:t --alternative --alphanum --ignore-case --terminate:t --help --version"
	case "bzcat":
		return "-hdkftcqvLVs1 --fast --best --help --version --quiet --verbose --force --keep --stdout --decompress"
	case "xzcat":
		return "-zdtlkfc0eqvhHV -T:t --compress --decompress --test --list --keep --force --stdout --extreme --threads:t --quiet " +
			"--verbose --help --long-help --version"
	case "pstree":
		return "-aAcgGhlnpsStTuUVZ -C:t -H:t -N:t --arguments --ascii --compact-not --color:t --show-pgids --vt100 --highlight-all " +
			"--long --numeric-sort --show-pids --show-parents --ns-changes --thread-names --hide-threads --uid-changes --unicode " +
			"--version --security-context"
	case "tr":
		return "-cdst --delete --squeeze-repeats --truncate-set1 --help --version"
	case "grep", "egrep", "fgrep":
		return "-EFGPyiwxzsvVbnHhoqaIrRLlcTZUu0123456789 -e:t -f:r -m:t -d:t -D:t -B:t -A:t -C:t --extended-regexp --fixed-strings " +
			"--basic-regexp --perl-regexp --regexp:t --file:r --ignore-case --no-ignore-case --word-regexp --line-regexp " +
			"--null-data --no-messages --invert-match --version --help --max-count:t --byte-offset --line-number --line-buffered " +
			"--with-filename --no-filename --label:t --only-matching --quiet --binary-files:t --text --directories:t --devices:t " +
			"--recursive --dereference-recursive --include:t --exclude:t --exclude-from:r --exclude-dir:t --files-without-match " +
			"--files-with-matches --count --initial-tab --null --before-context:t --after-context:t --context:t --group-separator:t " +
			"--no-group-separator --color?:t --colour?:t --binary"
	case "ps":
		return "-AaNdeflFjlMLTcHwyZmV -o:t -O:t -p:t -C:t -u:t -U:t -g:t -G:t -s:t -t:t -q:t --pid:t --ppid:t --quick-pid:t --sort:t " +
			"--format:t --user:t --User:t --group:t --Group:t --sid:t --tty:t --forest --no-headers --no-heading --headers --cols:t " +
			"--columns:t --rows:t --lines:t --width:t --cumulative --deselect --context --info --version --help?:t"
	}
	return ""
}
