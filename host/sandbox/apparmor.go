package sandbox

import (
	_ "embed"
	"strings"
)

//go:embed apparmor/openvibez-sandbox
var appArmor string

// AppArmorProfile lets the helper at a path make user namespaces where AppArmor allows them to few programs.
func AppArmorProfile(helper string) string {
	first, _, _ := strings.Cut(appArmor[strings.Index(appArmor, "@{exec_path} = "):], "\n")
	return strings.Replace(appArmor, first, "@{exec_path} = "+helper, 1)
}
