package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
)

// migrate brings the database to the newest schema. A migration is a file 0001.sql, 0002.sql, …; PRAGMA user_version is
// the number of the last one done. Each is done whole or not at all, and not before a copy of what was there is safe.
func migrate(ctx context.Context, c *sql.Conn, path string, from fs.FS, log *slog.Logger) error {
	files, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	version, err := schemaVersion(ctx, c, path)
	if err != nil {
		return err
	}
	if version > len(files) {
		return &NewerError{Path: path, Version: version, Known: len(files)}
	}
	if version > 0 && version < len(files) {
		backup := fmt.Sprintf("%s.before-%d.bak", path, len(files))
		if err := backUp(ctx, c, backup); err != nil {
			return fmt.Errorf("before migrating the database: %w", err)
		}
		log.Info("database backed up before it is migrated", "from", version, "to", len(files), "backup", backup)
	}
	for n := version + 1; n <= len(files); n++ {
		script, err := fs.ReadFile(from, fmt.Sprintf("migrations/%04d.sql", n))
		if err != nil {
			return fmt.Errorf("read migration %d: %w", n, err)
		}
		if err := step(ctx, c, n, string(script)); err != nil {
			return fmt.Errorf("migrate the database %s to format %d: %w", path, n, err)
		}
	}
	return nil
}

// schemaVersion tells how far the database is: 0 for an empty one.
func schemaVersion(ctx context.Context, c *sql.Conn, path string) (int, error) {
	var id, version, tables int
	for _, q := range []struct {
		query string
		into  *int
	}{
		{"PRAGMA application_id", &id},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &tables},
	} {
		if err := c.QueryRowContext(ctx, q.query).Scan(q.into); err != nil {
			return 0, fmt.Errorf("look at the database: %w", err)
		}
	}
	switch {
	case id == applicationID:
		return version, nil
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	}
	return 0, &NotDatabaseError{Path: path, What: "it belongs to another program"}
}

// step does one migration.
func step(ctx context.Context, c *sql.Conn, n int, script string) (err error) {
	// Has no effect inside a transaction; tables can't be rebuilt with it on.
	if _, err := c.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = c.ExecContext(ctx, "ROLLBACK")
		}
		_, on := c.ExecContext(ctx, "PRAGMA foreign_keys = ON")
		err = errors.Join(err, on)
	}()
	if _, err := c.ExecContext(ctx, script); err != nil {
		return err
	}
	var broken int
	if err := c.QueryRowContext(ctx, "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%d rows would refer to nothing", broken)
	}
	if _, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, n)); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}
