// Package box is what the host tells the helper: everything about one process to be confined.
package box

// Descriptors that the helper finds open.
const (
	FdSpec     = 3 // a sealed memfd with a Spec
	FdLifeline = 4 // a pipe that ends when the host does
	FdReport   = 5 // a unix socket for the helper's Report
)

// Settings is where a box has the files that were written for it alone.
const Settings = "/var/lib/openvibez"

// ProxyAddr is where programs in a box find the host's filtering proxy.
const ProxyAddr = "127.0.0.1:3128"

// Walls tell how much is enforced.
type Walls string

const (
	// WallsFull are namespaces, Landlock and seccomp.
	WallsFull Walls = "full"
	// WallsReduced are Landlock and seccomp alone.
	WallsReduced Walls = "reduced"
	// WallsNone only ties the process and all that it starts to the host's life.
	WallsNone Walls = "none"
)

// Spec is one process and its box.
type Spec struct {
	Walls Walls
	// Args[0] is the program's path. A plugin is started from its descriptor, see Plugin.
	Args []string
	Env  []string
	Dir  string
	// Root is the workspace, and Identity what it must be known by when it is entered; "" is not checked.
	Root, Identity string
	// Temp and Home are where the process may write whatever it likes; "" is none. A bind shows what lies there.
	Temp, Home string
	// Binds are laid over each other in this order.
	Binds []Bind
	// Links are symbolic links to make, by path.
	Links map[string]string
	// Files are written into a directory of their own at Settings, by name.
	Files map[string]string
	// Only is set where nothing may be executed but the files that Binds show with Exec. The working directory is made
	// where it is missing.
	Only bool
	// Stdin passes on the helper's own; without it there is nothing to read.
	Stdin bool
	// Plugin confines a plugin: it can start nothing and make no file executable.
	Plugin *Plugin
	// Reads says that nothing may be changed but in Temp and Home, so that what Landlock does not govern is refused.
	Reads bool
	// Listen makes a listener at ProxyAddr inside and sends it to the host with the first report.
	Listen bool
	Limits Limits
}

// Bind shows a file or directory of the host in the box, at the same path.
type Bind struct {
	Path string
	// From is what is shown, where that is not what lies at Path.
	From  string
	Write bool
	// Fresh shows a new, empty directory instead.
	Fresh bool
	// Scrap lets the process write, and throws away what it wrote.
	Scrap bool
	// Empty shows an empty, unreadable thing of the same kind instead.
	Empty bool
	// Exec lets a file be executed, or code be loaded from a directory, where Only is set.
	Exec bool
	// Version is what a file has to be known by: see Version. "" is not checked.
	Version string
	// Optional ones may be missing.
	Optional bool
}

// Plugin is the program of a plugin.
type Plugin struct {
	Path string
	// SHA256 is its digest in hex; "" is not checked.
	SHA256 string
}

// Limits bound what a box may use. Zero means no limit.
type Limits struct {
	Memory    int64 // bytes in all processes and private directories together
	Processes int64
	Temp      int64 // bytes in each private directory
	Files     uint64
	// Held says that the kernel holds the box to Memory and Processes, so that nobody has to look.
	Held bool
}

// Probe names things of the host that must be out of reach. The helper tries them when it is started in a box with the
// arguments "probe" and an encoded Probe in hex; it prints encoded Findings, in hex too.
type Probe struct {
	Outside  string // a file outside the workspace that the host can write
	Secret   string // a file in the home directory
	Git      string // the workspace's .git
	Socket   string // a unix socket of the host
	Abstract string // an abstract one
	Port     int    // where the host listens on 127.0.0.1
	PID      int    // a process of the host
}

// Report is what the helper says, one a message.
type Report struct {
	Started bool
	// Problem is why the box could not be made, or why it was ended.
	Problem string
	// Exit is the exit code, 128 and the number for signals.
	Exit  int
	Ended bool
}

// Finding is what one probe found.
type Finding struct {
	Name  string
	Held  bool
	Words string
}
