package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

func sessionExport(t *terminal.Terminal) *cobra.Command {
	var format, output string
	cmd := &cobra.Command{
		Use:   "export SESSION",
		Short: "Write a conversation to a file",
		Long: `Writes a conversation to standard output or a file: as JSON Lines, from which "session import" makes it again
exactly, attachments included; or as Markdown, to read.`,
		Example: `  openvibez session export last -o monads.jsonl
  openvibez session export k7q2 --format markdown | less`,
		Args: terminal.Exactly(namesSession),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			req := &apiv1.ExportSessionRequest{}
			switch format {
			case "jsonl":
				req.Format = apiv1.ExportFormat_EXPORT_FORMAT_JSONL
			case "markdown", "md":
				req.Format = apiv1.ExportFormat_EXPORT_FORMAT_MARKDOWN
			default:
				return terminal.Misused(cmd, "--format is %q: it can be jsonl or markdown", format)
			}
			c, s, err := connectTo(cmd.Context(), t, args[0])
			if err != nil {
				return err
			}
			req.SessionId = s.Id
			stream, err := c.Sessions.ExportSession(cmd.Context(), req)
			if err != nil {
				return err
			}
			defer stream.Close()
			if output == "" {
				return receive(stream, t.Out)
			}
			return writeNew(output, func(w io.Writer) error { return receive(stream, w) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or markdown")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this `FILE`, which must not exist")
	return cmd
}

// exportStream is what ExportSession gives.
type exportStream interface {
	Receive() bool
	Msg() *apiv1.ExportSessionResponse
	Err() error
}

func receive(stream exportStream, w io.Writer) error {
	out := bufio.NewWriter(w)
	for stream.Receive() {
		if _, err := out.Write(stream.Msg().Data); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// writeNew makes a file, for its owner only, that is there whole or not at all; one that exists is not overwritten.
func writeNew(path string, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already; choose another name, or remove it", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".openvibez-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		// Unlike Rename, it fails where something came in between.
		if err = os.Link(f.Name(), path); err != nil {
			err = os.Rename(f.Name(), path)
		}
	}
	_ = os.Remove(f.Name())
	return err
}

func sessionImport(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Make a conversation of an exported one",
		Long: `Reads a conversation that "session export" wrote as JSON Lines, and prints its id. One that is here already
stays as it is. A file that is not whole is refused, and nothing of it imported. A file gives no rights: root access,
a workspace and the like are left out, and what was is said. A dash reads standard input.`,
		Example: `  openvibez session import monads.jsonl
  ssh other openvibez session export last | openvibez session import -`,
		Args: terminal.Exactly("a file that session export wrote, or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &apiv1.ImportSessionRequest{}
			if args[0] == "-" {
				const most = 60 << 20
				data, err := io.ReadAll(io.LimitReader(t.In, most+1))
				if err != nil {
					return fmt.Errorf("read the export: %w", err)
				}
				if len(data) > most {
					return fmt.Errorf("more than %d MB came from standard input; write it to a file and name that", most>>20)
				}
				req.Data = data
			} else {
				path, err := filepath.Abs(args[0])
				if err != nil {
					return fmt.Errorf("find %s: %w", args[0], err)
				}
				req.Path = path
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			res, err := c.Sessions.ImportSession(cmd.Context(), req)
			if err != nil {
				return err
			}
			if !res.Created {
				t.Err.Println("It is here already, and stays as it is.")
			}
			sayTaken(t, res.Session, res.TakenAway)
			t.Out.Println(res.Session.Id)
			return nil
		},
	}
}

// sayTaken tells what a copy of a conversation did not get.
func sayTaken(t *terminal.Terminal, s *apiv1.Session, taken []apiv1.Right) {
	for _, r := range taken {
		t.Err.Printf("Not taken over: %s.\n", rightWords(r, terminal.Short(s.Id)))
	}
}
