package apiv1

// Names of our own tools, as calls of them in a journal have them.
const (
	ToolRunShell    = "run_shell"
	ToolReadFile    = "read_file"
	ToolEditFile    = "edit_file"
	ToolSearchFiles = "search_files"
	ToolUpdatePlan  = "update_plan"
)

// KeyInKeychain is the key source of a provider whose key is in the system's keychain. In a provider's settings it
// stands for a secret that is there.
const KeyInKeychain = "keychain"
