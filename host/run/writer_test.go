package run

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What carries a run out can't write to the database but through its writer: neither it nor what it holds has the store. And
// the writer's way that does not wait is for those who hold what was not taken and try again.
func TestNoBareWrites(t *testing.T) {
	files := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	mayHold := []string{"Config", "Engine", "writer"}
	mayTryOnce := []string{"finish", "saveReference", "begin", "flush"}
	held, tried := 0, 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					st, is := s.(*ast.TypeSpec)
					if !is {
						continue
					}
					ast.Inspect(st.Type, func(n ast.Node) bool {
						if _, is := n.(*ast.FuncType); is {
							return false
						}
						if sel, is := n.(*ast.SelectorExpr); is && sel.Sel.Name == "Store" {
							if held++; !slices.Contains(mayHold, st.Name.Name) {
								t.Errorf("%s: %s holds the store", files.Position(n.Pos()), st.Name.Name)
							}
						}
						return true
					})
				}
			case *ast.FuncDecl:
				receiver := ""
				if d.Recv != nil {
					receiver = strings.TrimPrefix(source(d.Recv.List[0].Type), "*")
				}
				ast.Inspect(d, func(n ast.Node) bool {
					sel, is := n.(*ast.SelectorExpr)
					if !is {
						return true
					}
					at := files.Position(n.Pos())
					switch {
					case sel.Sel.Name == "store" && receiver != "Engine" && name != "writer.go":
						t.Errorf("%s: %s reaches for the store", at, d.Name.Name)
					case sel.Sel.Name == "once" && strings.HasSuffix(source(sel.X), "write"):
						if tried++; !slices.Contains(mayTryOnce, d.Name.Name) {
							t.Errorf("%s: %s writes without waiting for the disk", at, d.Name.Name)
						}
					}
					return true
				})
			}
		}
	}
	if held != len(mayHold) || tried != len(mayTryOnce) {
		t.Errorf("seen %d holders of the store and %d that write once: the test does not see what it should", held, tried)
	}
}

// source is an expression of names and dots as it is written.
func source(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + source(e.X)
	case *ast.SelectorExpr:
		return source(e.X) + "." + e.Sel.Name
	}
	return ""
}
