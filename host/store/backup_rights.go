package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/glebarez/sqlite"
)

// BackupRights are what a backup allows once it is restored: whoever wrote the file has answered for the person.
type BackupRights struct {
	// Trusted are the directories that models may work in freely; of these, Unknown run what is not known without asking.
	Trusted, Unknown []string
	Rules            int
	// Root is how many conversations have root access.
	Root int
	// Commands are command lines that print providers' keys, and Variables those of the environment that hold them.
	Commands, Variables []string
}

// Any tells whether there is anything to say.
func (r *BackupRights) Any() bool {
	return len(r.Trusted)+len(r.Unknown)+r.Rules+r.Root+len(r.Commands)+len(r.Variables) > 0
}

// RightsIn reads what a backup, which CheckBackup has found good, allows.
func RightsIn(ctx context.Context, backup string) (*BackupRights, error) {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(backup)}
	db, err := sql.Open(sqlite.DriverName, u.String()+"?mode=ro&immutable=1")
	if err != nil {
		return nil, fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = db.Close() }()
	r := &BackupRights{}
	for _, ask := range []struct {
		query string
		into  any
	}{
		{"SELECT path FROM workspaces WHERE trust = 'trusted' ORDER BY path", &r.Trusted},
		{"SELECT path FROM workspaces WHERE run_unknown <> 0 ORDER BY path", &r.Unknown},
		{"SELECT count(*) FROM rules", &r.Rules},
		{"SELECT count(*) FROM sessions WHERE access_mode = 3", &r.Root},
		{"SELECT substr(key_source, 9) FROM providers WHERE key_source LIKE 'command:%' ORDER BY name", &r.Commands},
		{"SELECT substr(key_source, 5) FROM providers WHERE key_source LIKE 'env:%' ORDER BY name", &r.Variables},
	} {
		if err := askBackup(ctx, db, ask.query, ask.into); err != nil {
			return nil, fmt.Errorf("read what the backup allows: %w", err)
		}
	}
	return r, nil
}

func askBackup(ctx context.Context, db *sql.DB, query string, into any) error {
	rows, err := db.QueryContext(ctx, query)
	if sqliteCode(err) == sqliteGeneral {
		// An early version had no such table or column, and no such right.
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		switch into := into.(type) {
		case *int:
			err = rows.Scan(into)
		case *[]string:
			var text string
			err = rows.Scan(&text)
			*into = append(*into, text)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
