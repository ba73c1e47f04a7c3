package policy

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// halves cuts a line that mixes git and other commands in two, where one follows the other: the second is to run where
// the first went well, or after it.
func halves(command string) (first, second string, ok bool) {
	file, err := syntax.NewParser().Parse(strings.NewReader(command), "")
	if err != nil {
		return "", "", false
	}
	type part struct {
		from, to int
		git      bool
	}
	var parts []part
	var gather func(s *syntax.Stmt) bool
	gather = func(s *syntax.Stmt) bool {
		if b, is := s.Cmd.(*syntax.BinaryCmd); is && b.Op == syntax.AndStmt && len(s.Redirs) == 0 {
			return gather(b.X) && gather(b.Y)
		}
		p := part{from: int(s.Pos().Offset()), to: int(s.End().Offset())}
		call, is := s.Cmd.(*syntax.CallExpr)
		p.git = is && len(call.Args) > 0 && call.Args[0].Lit() == "git"
		if is && len(call.Args) > 0 && call.Args[0].Lit() == "cd" || s.Background {
			return false // what follows depends on it
		}
		parts = append(parts, p)
		return true
	}
	for _, s := range file.Stmts {
		if !gather(s) {
			return "", "", false
		}
	}
	turn := 0
	for i := 1; i < len(parts); i++ {
		if parts[i].git != parts[i-1].git {
			if turn > 0 {
				return "", "", false
			}
			turn = i
		}
	}
	if turn == 0 {
		return "", "", false
	}
	last := len(parts) - 1
	return command[parts[0].from:min(parts[turn-1].to, len(command))], command[parts[turn].from:min(parts[last].to, len(command))], true
}
