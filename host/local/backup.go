package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/place"
	"github.com/openvibez/openvibez/host/store"
	"github.com/openvibez/openvibez/host/terminal"
)

// Backup makes the command that copies the database, by the host if one runs.
func Backup(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "backup [FILE]",
		Short: "Copy the database to a file, also while the host runs",
		Long: `Writes a copy of the database, looks whether it is intact, and prints where it is: in FILE, which must not
exist, or in the directory backups beside the database. Keys are not in it. Daily copies are made without asking: see
docs/data.md.`,
		Example: `  openvibez backup
  openvibez backup /media/usb/openvibez.db`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, path := cmd.Context(), ""
			if len(args) > 0 {
				var err error
				if path, err = filepath.Abs(args[0]); err != nil {
					return fmt.Errorf("find %s: %w", args[0], err)
				}
			}
			d, err := place.Find(t.Getenv)
			if err != nil {
				return err
			}
			made, size, err := backUp(ctx, t, d, path)
			if err != nil {
				return err
			}
			t.Out.Println(made)
			t.Err.Printf("%.1f MB, checked.\n", float64(size)/1e6)
			return nil
		},
	}
}

// backUp lets the host do it, or does it where none runs.
func backUp(ctx context.Context, t *terminal.Terminal, d place.Dirs, path string) (string, int64, error) {
	c, err := client.Connect(ctx, d)
	if err == nil {
		res, err := c.Host.Backup(ctx, &apiv1.BackupRequest{Path: path})
		return res.GetPath(), res.GetSize(), err
	}
	if !errors.Is(err, client.ErrNoHost) {
		return "", 0, err
	}
	if _, err := os.Stat(d.Database()); errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("there is no database yet in %s, so there is nothing to back up", d.Data)
	}
	st, err := store.Open(ctx, store.Config{Path: d.Database()})
	if err != nil {
		return "", 0, err
	}
	defer st.Close()
	return st.Backup(ctx, path)
}

// Restore makes the command that puts a copy in its place.
func Restore(t *terminal.Terminal) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the database",
		Long: `Looks whether the backup is intact, ends the host if one runs, and puts a copy of the backup in the place of
the database. What was there is kept beside it, and its name is printed; if anything goes wrong, all is as it was.
A backup brings back what it allows too: trusted directories, rules, root access, commands that print keys. It says so
before it asks; restore only backups that you made.`,
		Example: `  openvibez restore ~/.local/share/openvibez/backups/daily-2026-11-26.db`,
		Args:    terminal.Exactly("a backup"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			d, err := place.Find(t.Getenv)
			if err != nil {
				return err
			}
			if _, err := os.Stat(args[0]); err != nil {
				return fmt.Errorf("find the backup: %w", err)
			}
			if err := store.CheckBackup(ctx, args[0]); err != nil {
				return err
			}
			allows, err := store.RightsIn(ctx, args[0])
			if err != nil {
				return err
			}
			if allows.Any() {
				t.Err.Println("A backup brings back what it allows. Restore only one that you made. In this one:")
				for _, line := range backupRightWords(allows) {
					t.Err.Println("  " + line)
				}
			}
			if err := t.Confirm(cmd, fmt.Sprintf("replace all conversations by those in %s", args[0]), yes); err != nil {
				return err
			}
			if err := d.Create(); err != nil {
				return err
			}
			if err := client.Stop(ctx, d); err != nil {
				return err
			}
			kept, err := store.Restore(ctx, d.Database(), args[0])
			if err != nil {
				return err
			}
			if kept != "" {
				t.Out.Println(kept)
				t.Err.Println("Restored. What was there is kept in the file above.")
			} else {
				t.Err.Println("Restored.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return cmd
}
