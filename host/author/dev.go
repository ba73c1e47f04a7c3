package author

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
	"github.com/openvibez/openvibez/sdk"
)

// devPause is how often a plugin's directory is looked at.
const devPause = 400 * time.Millisecond

func devCommand(t *terminal.Terminal) *cobra.Command {
	var debug bool
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Run the plugin in a directory, build it again on each save, show its log",
		Long: `Builds the plugin and has the running host use it until Ctrl-C: in its sandbox like any other, unsigned,
and marked "development" wherever it is shown. Whenever a file is saved it is built again; the next
question goes to the new build. What it logs is printed here.

With --debug it runs WITHOUT the sandbox, is not watched and not stopped, and is built for a debugger; how
to attach one is printed.`,
		Example: `  openvibez plugin dev
  openvibez plugin dev ./acme --debug`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, m, err := pluginIn(args)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c, err := client.Ensure(ctx, t.Getenv)
			if err != nil {
				return err
			}
			build, err := os.MkdirTemp("", "openvibez-dev-")
			if err != nil {
				return fmt.Errorf("make a directory to build in: %w", err)
			}
			defer os.RemoveAll(build)
			d := &development{Terminal: t, dir: dir, manifest: m, debug: debug, build: build, program: filepath.Join(build, programName(m.ID, runtime.GOOS))}
			return d.run(ctx, c)
		},
	}
	cmd.Flags().BoolVar(&debug, "debug", false, "run it without the sandbox, for a debugger")
	return cmd
}

// development is a plugin that its author works on.
type development struct {
	*terminal.Terminal
	dir, build, program string
	manifest            *sdk.Manifest
	debug               bool
}

func (d *development) run(ctx context.Context, c *client.Client) error {
	seen, err := d.saved()
	if err != nil {
		return err
	}
	if err := d.compile(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		d.Err.Printf("%s %v; save a file to try again\n", d.Err.Red("!!"), err)
		if seen, err = d.untilBuilt(ctx, seen); err != nil {
			return nil
		}
	}
	if d.debug {
		d.Err.Println(d.Err.Yellow("The plugin runs WITHOUT the sandbox, with all your rights, until you press Ctrl-C."))
	}
	stream, err := c.Plugins.DevelopPlugin(ctx, &apiv1.DevelopPluginRequest{Id: d.manifest.ID, Path: d.program, Directory: d.dir, Debug: d.debug})
	if err != nil {
		return err
	}
	defer stream.Close()
	go d.rebuild(ctx, seen)
	pid := int64(0)
	for stream.Receive() {
		event := stream.Msg()
		for _, line := range event.Lines {
			d.Out.Println(line)
		}
		p := event.Plugin
		switch {
		case p == nil:
		case p.Problem != "":
			d.Err.Printf("%s %s\n", d.Err.Red("!!"), p.Problem)
		case pid == 0 || d.debug && p.Pid != pid:
			d.Err.Printf("%s %s %s is in use, in development. Ctrl-C ends it.\n", d.Err.Green("ok"), p.Id, p.Version)
			if d.debug && p.Pid > 0 {
				d.Err.Printf("Attach a debugger with: dlv attach %d\n", p.Pid)
				if scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && strings.TrimSpace(string(scope)) != "0" && os.Getuid() != 0 {
					d.Err.Println("This system lets programs debug only what they have started: run sudo sysctl -w kernel.yama.ptrace_scope=0 before.")
				}
			}
			pid = max(p.Pid, 1)
		}
	}
	if err := stream.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// compile builds the plugin and puts it in the place of the last build in one step.
func (d *development) compile(ctx context.Context) error {
	next := d.program + ".next"
	args := []string{"build", "-o", next}
	if d.debug {
		args = append(args, "-gcflags=all=-N -l")
	}
	if err := goTool(ctx, d.Terminal, d.dir, nil, append(args, ".")...); err != nil {
		return err
	}
	if err := os.Rename(next, d.program); err != nil {
		return fmt.Errorf("replace the build: %w", err)
	}
	return nil
}

// rebuild compiles whenever something was saved.
func (d *development) rebuild(ctx context.Context, seen time.Time) {
	for {
		var err error
		if seen, err = d.untilBuilt(ctx, seen); err != nil {
			return
		}
		d.Err.Printf("%s built again\n", d.Err.Green("ok"))
	}
}

// untilBuilt waits for a save, again until it compiles. The error is the end of ctx.
func (d *development) untilBuilt(ctx context.Context, seen time.Time) (time.Time, error) {
	for {
		select {
		case <-ctx.Done():
			return seen, ctx.Err()
		case <-time.After(devPause):
		}
		now, err := d.saved()
		if err != nil || now.Equal(seen) {
			continue
		}
		seen = now
		if err := d.compile(ctx); err != nil {
			d.Err.Printf("%s %v; the build before goes on\n", d.Err.Red("!!"), err)
			continue
		}
		return seen, nil
	}
}

// saved tells when something that is compiled was changed last. A file that is gone counts by its directory.
func (d *development) saved() (last time.Time, err error) {
	err = filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.IsDir() && path != d.dir && (strings.HasPrefix(e.Name(), ".") || e.Name() == "bin") {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if info.ModTime().After(last) && !strings.HasSuffix(path, ".ovp") && !strings.HasSuffix(path, "~") {
			last = info.ModTime()
		}
		return nil
	})
	if err != nil {
		return last, fmt.Errorf("look at the plugin's directory: %w", err)
	}
	return last, nil
}
