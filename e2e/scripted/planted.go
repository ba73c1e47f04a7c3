package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

const (
	dots10  = ".........."
	dots100 = dots10 + dots10 + dots10 + dots10 + dots10 + dots10 + dots10 + dots10 + dots10 + dots10
)

// planted is where a test writes a manifest into the program, in the place of the text behind the mark: so one build
// gives plugins of any version.
var planted = "planted manifest:" + dots100 + dots100 + dots100 + dots100 + dots100 + dots100 + dots100 + dots100 + dots100 + dots100

// manifest gives what a test planted. A description of "crashes" has the plugin end when it is asked to work, one of
// "lies: " has it say the rest as its description of where it goes.
func manifest() (d *providerv1.DescribeResponse, ok bool) {
	_, text, _ := strings.Cut(planted, ":")
	if strings.HasPrefix(text, dots10) {
		return nil, false
	}
	d = sdk.FromManifest([]byte(text))
	if to, lies := strings.CutPrefix(d.Description, "lies: "); lies {
		d.Origins = append(d.Origins, to)
	}
	return d, true
}

// crashIfTold ends a plugin whose planted description says so, once it does more than describe itself.
func crashIfTold() {
	if d, ok := manifest(); ok && d.Description == "crashes" {
		fmt.Fprintln(os.Stderr, "as I was told")
		os.Exit(3)
	}
}
