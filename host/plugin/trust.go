package plugin

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/egress"
	"github.com/openvibez/openvibez/sdk"
	providerv1 "github.com/openvibez/openvibez/sdk/provider/v1"
)

// abilities says what a plugin can and can't do, a plain sentence each.
//
// unconfined, if not "", is why the kernel does not hold it here.
func abilities(d *providerv1.DescribeResponse, unconfined string) []string {
	var list []string
	hosts := reach(d)
	if len(hosts) > 0 {
		list = append(list, "Can talk to "+strings.Join(hosts, ", ")+".")
	} else {
		list = append(list, "Can talk to the address that you enter for it, if you enter one, and to nothing else.")
	}
	if d.BaseUrlEnv != "" {
		list = append(list, fmt.Sprintf("Can talk to what the environment variable %s names instead.", d.BaseUrlEnv))
	}
	if d.Key != nil {
		list = append(list, fmt.Sprintf("Your key is added on the way, in the header %s, only for the address you entered it for.", d.Key.Header))
	}
	if env := d.Key.GetEnv(); env != "" {
		list = append(list, fmt.Sprintf("Asks for the key that the environment variable %s holds. It is used only if you say so when you connect it.", env))
	}
	// An error has kept it from being installed.
	secrets, _ := sdk.SecretSettings(d)
	for _, s := range secrets {
		list = append(list, fmt.Sprintf("So is the setting %s, if you enter it, in the header %s.", s.Title, s.Header))
	}
	if unconfined != "" {
		return append(list, "Can do all that you can do here: "+unconfined+".")
	}
	if d.Program != "" {
		return append(list, fmt.Sprintf("Has the program %s run, in a sandbox of its own.", d.Program), "Cannot read files, run other programs, or see keys.")
	}
	return append(list, "Cannot read files, run programs, or see keys.")
}

// reach lists the hosts a plugin names, as people write them.
func reach(d *providerv1.DescribeResponse) []string {
	var hosts []string
	for _, raw := range append([]string{d.DefaultBaseUrl}, d.Origins...) {
		u, err := url.Parse(raw)
		if raw == "" || err != nil {
			continue
		}
		host := u.Host
		if u.Scheme == "http" {
			host = "http://" + host
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// facts says what a person should know before a package is installed. before is the version that is installed, with
// its manifest; nil: none, or one that can't be read. unconfined, if not "", is why the kernel does not hold it here.
func facts(p *pack, source string, l *lock, before *pack, unconfined string) *apiv1.PackageFacts {
	m := p.manifest
	f := &apiv1.PackageFacts{
		Id: m.ID, Name: m.Name, Description: m.Description, Version: m.Version, Source: source, Sha256: p.programSum,
		Size: p.size, Abilities: abilities(m.Describe(), unconfined), Key: p.key, Licence: m.Licence,
	}
	known := l.Keys[m.ID]
	switch {
	case p.key == "":
		f.Tier = apiv1.Tier_TIER_UNSIGNED
	case p.key == known:
		f.Tier = apiv1.Tier_TIER_VERIFIED
	case known != "":
		f.Tier = apiv1.Tier_TIER_KEY_CHANGED
	default:
		f.Tier = apiv1.Tier_TIER_NEW_KEY
		for _, key := range l.Keys {
			if key == p.key {
				f.Tier = apiv1.Tier_TIER_VERIFIED
			}
		}
	}
	if f.Tier == apiv1.Tier_TIER_UNSIGNED || f.Tier == apiv1.Tier_TIER_KEY_CHANGED || unconfined != "" {
		f.Confirmation = m.ID
	}
	f.Differences = differences(p, source, l, before)
	if v := l.Plugins[m.ID]; v != nil {
		f.InstalledVersion = v.Version
		f.Silent = f.Tier == apiv1.Tier_TIER_VERIFIED && len(f.Differences) == 0 && before != nil && unconfined == ""
	}
	return f
}

// differences says what is not as it was in the version that is installed, or was when its key was last seen.
func differences(p *pack, source string, l *lock, before *pack) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	m := p.manifest
	switch known := l.Keys[m.ID]; {
	case known == "" || known == p.key:
	case p.key == "":
		add("It is not signed; earlier versions were signed with the key %s.", known)
	default:
		add("It is signed with another key: %s, and earlier versions with %s. Ask its author whether that is right.", p.key, known)
	}
	v := l.Plugins[m.ID]
	if v == nil {
		return list
	}
	if v.Source != source {
		add("It comes from %s; version %s came from %s.", source, v.Version, v.Source)
	}
	if v.Failed != nil && v.Failed.Manifest == p.sum {
		add("This very version did not stay up here on %s (%s).", v.Failed.At.Format("2 January 2006"), v.Failed.Why)
	}
	if old, new := "v"+v.Version, "v"+m.Version; semver.IsValid(old) && semver.IsValid(new) && semver.Compare(new, old) < 0 {
		add("It is older: %s instead of %s.", m.Version, v.Version)
	}
	if before == nil {
		add("What version %s could do can't be read any more.", v.Version)
		return list
	}
	d, was := m.Describe(), before.manifest.Describe()
	for _, host := range reach(d) {
		if !slices.Contains(reach(was), host) {
			add("It can also talk to %s.", host)
		}
	}
	if d.DefaultBaseUrl != was.DefaultBaseUrl && originOrEmpty(d.DefaultBaseUrl) != originOrEmpty(was.DefaultBaseUrl) {
		add("Its requests go to %s instead of %s.", cmp.Or(d.DefaultBaseUrl, "the address you enter"), cmp.Or(was.DefaultBaseUrl, "the address you enter"))
	}
	if d.BaseUrlEnv != was.BaseUrlEnv {
		add("The environment variable that says where its requests go is %s instead of %s.", cmp.Or(d.BaseUrlEnv, "none"), cmp.Or(was.BaseUrlEnv, "none"))
	}
	if keyWords(d.Key) != keyWords(was.Key) {
		add("Its key travels %s instead of %s.", keyWords(d.Key), keyWords(was.Key))
	}
	secrets, _ := sdk.SecretSettings(d)
	had, _ := sdk.SecretSettings(was)
	for _, s := range secrets {
		if !slices.ContainsFunc(had, func(h sdk.SecretSetting) bool { return h.Name == s.Name && h.Header == s.Header }) {
			add("Its secret setting %s travels in the header %s.", s.Title, s.Header)
		}
	}
	if d.Program != was.Program {
		add("It has the program %s run instead of %s.", cmp.Or(d.Program, "none"), cmp.Or(was.Program, "none"))
	}
	return list
}

func originOrEmpty(raw string) string {
	o, err := egress.OriginOf(raw)
	if err != nil {
		return ""
	}
	return o
}

func keyWords(k *providerv1.KeyScheme) string {
	if k == nil {
		return "nowhere"
	}
	words := fmt.Sprintf("in the header %s", k.Header)
	if k.Also != "" {
		words += " and " + k.Also
	}
	if k.Env != "" {
		words += " (taken from " + k.Env + " where that is set)"
	}
	return words
}
