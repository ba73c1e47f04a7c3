package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/policy"
	"github.com/openvibez/openvibez/host/sandbox"
	"github.com/openvibez/openvibez/host/terminal"
)

// verdict is a decision as it is printed with --json.
type verdict struct {
	ID       string   `json:"id,omitempty"`
	Decision string   `json:"decision"`
	Class    string   `json:"class"`
	Profile  string   `json:"profile"`
	Reason   string   `json:"reason"`
	Instead  string   `json:"instead"`
	Domains  []string `json:"domains"`
	Prefix   []string `json:"prefix"`
	Error    string   `json:"error,omitempty"`
}

func verdictOf(id string, d policy.Decision) verdict {
	return verdict{
		ID: id, Decision: d.Verdict.String(), Class: d.Class.String(), Profile: string(d.Profile), Reason: d.Reason, Instead: d.Instead,
		Domains: append([]string{}, d.Domains...), Prefix: append([]string{}, d.Prefix...),
	}
}

// setting is where a checked command would run: what is known of the directory, and in words what is said instead.
type setting struct {
	workspace, trust, access, level string

	dir     string
	known   known
	assumed bool // nothing is known of the directory: the trust is assumed
}

// find takes what is known of the directory where no flag says something else.
func (p *setting) find(ctx context.Context, t *terminal.Terminal) (err error) {
	if p.known, err = lookUp(ctx, t, p.dir); err != nil {
		return err
	}
	if p.trust == "" {
		p.trust = p.known.trust()
	}
	if p.assumed = p.trust == ""; p.assumed {
		p.trust = policy.TrustTrusted.String()
	}
	if p.level == "" {
		p.level = p.known.level
	}
	return nil
}

func (p *setting) parse() (policy.Place, error) {
	out := p.known.place(p.dir)
	out.Sh = !sandbox.HasBash()
	var errs [3]error
	out.Trust, errs[0] = policy.ParseTrust(p.trust)
	out.Access, errs[1] = policy.ParseAccess(p.access)
	out.Level, errs[2] = policy.ParseLevel(p.level)
	return out, errors.Join(errs[:]...)
}

// PolicyCheck makes the command that tells what the policy says to a command line.
func PolicyCheck(t *terminal.Terminal) *cobra.Command {
	var at setting
	var asJSON, stdin bool
	cmd := &cobra.Command{
		Use:   "check [flags] -- 'COMMAND LINE'",
		Short: "Tell what the policy says to a command line",
		Long: `Tells whether a command line that a model wants to run would be allowed, asked about or denied, in which
sandbox, and why. Nothing is run, and no host is needed.

What you have set up counts as it does for models: the trust of the workspace that the directory is or lies
in, what you allowed there for good, the hosts you granted, and what the sandbox can enforce here. Flags say
what to assume instead. A directory that is no workspace yet is taken for a trusted one.

With --stdin it reads one JSON object a line, {"id","command","trust","access"}, and prints one decision a
line in the same order. Trust and access that a line leaves out are those of the flags. A line that can't be
read gives a decision "deny" with an "error", and the next one follows.

The exit code is 0 whatever the decision is, and 2 for wrong usage.`,
		Example: `  openvibez policy check -- 'go test ./... | tail'
  openvibez policy check --trust untrusted --access read-only -- 'find . -delete'
  openvibez policy check --json -- 'curl -O https://example.org/x' | jq -r .decision
  printf '{"id":"1","command":"git push"}\n' | openvibez policy check --stdin`,
		Args: func(cmd *cobra.Command, args []string) error {
			if stdin {
				if len(args) > 0 {
					return terminal.Misused(cmd, "with --stdin the command lines come from standard input")
				}
				return nil
			}
			if len(args) > 1 {
				return terminal.Misused(cmd, "a command line is one argument: put it in quotes")
			}
			return terminal.Exactly("a command line")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if at.dir, err = place.RealDir(at.workspace); err != nil {
				return terminal.Misused(cmd, "find the workspace: %w: --workspace names a directory that exists, where the command would run", err)
			}
			if err := at.find(cmd.Context(), t); err != nil {
				return err
			}
			where, err := at.parse()
			if err != nil {
				return terminal.Misused(cmd, "%w", err)
			}
			if stdin {
				return checkLines(t, at)
			}
			d := policy.Decide(policy.Request{Command: args[0], Dir: at.dir, Place: where})
			if asJSON {
				return json.NewEncoder(t.Out).Encode(verdictOf("", d))
			}
			sayVerdict(t, d, where, at.assumed)
			return nil
		},
	}
	cmd.Flags().StringVarP(&at.workspace, "workspace", "w", ".", "the workspace: the `DIR` where the command would run")
	cmd.Flags().StringVar(&at.trust, "trust", "", "assume this trust: trusted, read_only or untrusted")
	cmd.Flags().StringVar(&at.access, "access", "scoped", "the session's access mode: read-only, scoped or root")
	cmd.Flags().StringVar(&at.level, "level", "", "assume that the sandbox can enforce: full, reduced or none")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&stdin, "stdin", false, "read JSON lines, print JSON lines")
	return cmd
}

func sayVerdict(t *terminal.Terminal, d policy.Decision, where policy.Place, assumed bool) {
	trust := where.Trust.String()
	if assumed {
		trust += " (assumed: it is no workspace yet)"
	}
	rows := [][2]string{
		{"decision", d.Verdict.String()},
		{"class", d.Class.String()},
		{"profile", string(d.Profile)},
		{"reason", d.Reason},
		{"instead", d.Instead},
		{"hosts", strings.Join(d.Domains, ", ")},
		{"remember", strings.Join(d.Prefix, " ")},
		{"for", fmt.Sprintf("%s, %s, sandbox level %s", trust, where.Access, where.Level)},
	}
	for _, r := range rows {
		if r[1] != "" {
			t.Out.Printf("%-9s %s\n", r[0], terminal.OneLine(r[1], 2000))
		}
	}
}

// checkLines answers each line of standard input, in order, whatever is wrong with it.
func checkLines(t *terminal.Terminal, flags setting) error {
	in := bufio.NewReaderSize(t.In, 64<<10)
	out := bufio.NewWriter(t.Out)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			if err := encoder.Encode(checkLine(line, flags)); err != nil {
				return fmt.Errorf("print a decision: %w", err)
			}
			// Whoever waits for the answer before asking on gets it.
			if in.Buffered() == 0 {
				if err := out.Flush(); err != nil {
					return fmt.Errorf("print a decision: %w", err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
	}
}

func checkLine(line []byte, at setting) verdict {
	var asked struct {
		ID      json.RawMessage `json:"id"`
		Command *string         `json:"command"`
		Trust   string          `json:"trust"`
		Access  string          `json:"access"`
	}
	bad := func(err error) verdict {
		v := verdictOf(plainID(asked.ID), policy.Decision{})
		v.Reason, v.Error = "The line can't be read.", err.Error()
		return v
	}
	if err := json.Unmarshal(line, &asked); err != nil {
		// The id may be fine where another member is not.
		var only struct {
			ID json.RawMessage `json:"id"`
		}
		if json.Unmarshal(line, &only) == nil {
			asked.ID = only.ID
		}
		return bad(fmt.Errorf("read the line as JSON: %w", err))
	}
	if asked.Command == nil {
		return bad(errors.New(`it has no "command"`))
	}
	if asked.Trust != "" {
		at.trust = asked.Trust
	}
	if asked.Access != "" {
		at.access = asked.Access
	}
	where, err := at.parse()
	if err != nil {
		return bad(err)
	}
	return verdictOf(plainID(asked.ID), policy.Decide(policy.Request{Command: *asked.Command, Dir: at.dir, Place: where}))
}

// plainID is an id as text, be it a string or a number.
func plainID(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
