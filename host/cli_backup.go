package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/store"
)

func (a *app) backupCommand() *cobra.Command {
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
			d, err := findDirs(a.getenv)
			if err != nil {
				return err
			}
			made, size, err := a.backUp(ctx, d, path)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.out, made)
			fmt.Fprintf(a.err, "%.1f MB, checked.\n", float64(size)/1e6)
			return nil
		},
	}
}

// backUp lets the host do it, or does it where none runs.
func (a *app) backUp(ctx context.Context, d dirs, path string) (string, int64, error) {
	c, err := connectHost(ctx, d)
	if err == nil {
		res, err := c.Host.Backup(ctx, &apiv1.BackupRequest{Path: path})
		return res.GetPath(), res.GetSize(), err
	}
	if !errors.Is(err, errNoHost) {
		return "", 0, err
	}
	if _, err := os.Stat(d.database()); errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("there is no database yet in %s, so there is nothing to back up", d.data)
	}
	st, err := store.Open(ctx, store.Config{Path: d.database()})
	if err != nil {
		return "", 0, err
	}
	defer st.Close()
	return st.Backup(ctx, path)
}

func (a *app) restoreCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the database",
		Long: `Looks whether the backup is intact, ends the host if one runs, and puts a copy of the backup in the place of
the database. What was there is kept beside it, and its name is printed; if anything goes wrong, all is as it was.
A backup brings back what it allows too: trusted directories, rules, root access, commands that print keys. It says so
before it asks; restore only backups that you made.`,
		Example: `  openvibez restore ~/.local/share/openvibez/backups/daily-2026-11-26.db`,
		Args:    exactly("a backup"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			d, err := findDirs(a.getenv)
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
				fmt.Fprintln(a.err, "A backup brings back what it allows. Restore only one that you made. In this one:")
				for _, line := range backupRightWords(allows) {
					fmt.Fprintln(a.err, "  "+line)
				}
			}
			if err := a.sure(cmd, fmt.Sprintf("replace all conversations by those in %s", args[0]), yes); err != nil {
				return err
			}
			if err := d.create(); err != nil {
				return err
			}
			if err := a.stopHost(ctx, d); err != nil {
				return err
			}
			kept, err := store.Restore(ctx, d.database(), args[0])
			if err != nil {
				return err
			}
			if kept != "" {
				fmt.Fprintln(a.out, kept)
				fmt.Fprintln(a.err, "Restored. What was there is kept in the file above.")
			} else {
				fmt.Fprintln(a.err, "Restored.")
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return cmd
}
