package setting

import "strings"

// Kind is how a value is written.
type Kind int

// The kinds; those of a form's fields.
const (
	// Other is JSON that is not for a form.
	Other Kind = iota
	// Switch is true or false.
	Switch
	// Whole is a whole number.
	Whole
	// Number may have a fraction.
	Number
	// Choice is one of a few words.
	Choice
)

// The settings that people make and the host obeys.
const (
	RetentionDays   = "retention.days"
	RetentionWhat   = "retention.what"
	Summaries       = "summaries"
	Titles          = "titles"
	Scratch         = "tools.scratch"
	MaxTurns        = "tools.max_turns"
	ApprovalMinutes = "tools.approval_minutes"
)

// What the host keeps for itself.
const (
	PagePort   = "page.port"
	PageOpen   = "page.open"
	FirstStart = "host.first_start"
)

// Refused is where the options are kept that a provider's model has refused; it goes with the provider.
func Refused(providerID, model string) string { return "refused." + providerID + "." + model }

// Removed is where the name of a provider is kept that was removed: what it answered stays, and so does who that was.
func Removed(providerID string) string { return "removed." + providerID }

// OtherDraft is where the text is kept that another window had typed in a session, until somebody has seen it.
func OtherDraft(sessionID string) string { return "draft.other." + sessionID }

// Setting is one row of the table.
type Setting struct {
	// Key names it; one that ends in a dot stands for all keys that begin so.
	Key  string
	Kind Kind
	// Default is the JSON that holds where nothing is set; DefaultWords say it where it is not a value.
	Default, DefaultWords string
	// Choices are the words a Choice may be, Least and Most the bounds of a number, and Allowed says it all to people.
	Choices     []string
	Least, Most float64
	Allowed     string
	// Words say what it does; none: people don't set it by hand.
	Words string
	// Page says that the chat page may set it. What is not named here is closed to it.
	Page bool
	// Own says that the host keeps it for itself.
	Own bool
}

// Table is everything that can be set.
func Table() []Setting {
	return []Setting{
		{
			Key: RetentionDays, Kind: Whole, Default: "0", Most: 36500, Allowed: "a number of days, where 0 keeps conversations for ever",
			Words: "remove conversations for good after so many days without a message; 0: never",
		},
		{
			Key: RetentionWhat, Kind: Choice, Default: `"archived"`, Choices: []string{"archived", "all"},
			Words: "which: archived ones, or all; pinned ones never",
		},
		{
			Key: Summaries, Kind: Switch, Default: "true", Page: true,
			Words: "summarise older messages when a conversation outgrows its model's window",
		},
		{
			Key: Scratch, Kind: Switch, Default: "true",
			Words: "let models use tools in a scratch directory where a conversation has no workspace",
		},
		{
			Key: MaxTurns, Kind: Whole, Default: "50", Least: 1, Most: 1 << 30, Allowed: "a whole number from 1 on",
			Words: "how often one run may call its model",
		},
		{
			Key: ApprovalMinutes, Kind: Number, Default: "10", Least: 0.001, Most: 7 * 24 * 60,
			Allowed: "a number of minutes, at most a week of them (10080)",
			Words:   "after how many minutes without an answer a question counts as denied",
		},
		// {"provider": …, "model": …}, or false for nobody.
		{
			Key: Titles, DefaultWords: "the provider's cheapest model", Allowed: "false, or who names conversations; see openvibez provider default --help",
			Words: "who names conversations: openvibez provider default --help",
		},
		{Key: PagePort, Own: true},
		{Key: PageOpen, Own: true},
		{Key: FirstStart, Own: true},
		{Key: "window.", Page: true},
		{Key: "draft.", Page: true},
		{Key: "refused."},
		{Key: "removed."},
	}
}

// Find gives the row that a key belongs to.
func Find(key string) (Setting, bool) {
	for _, s := range Table() {
		if s.Key == key || strings.HasSuffix(s.Key, ".") && strings.HasPrefix(key, s.Key) && key != s.Key {
			return s, true
		}
	}
	return Setting{}, false
}

// ForPeople are those that people set by hand.
func ForPeople() []Setting {
	var all []Setting
	for _, s := range Table() {
		if s.Words != "" {
			all = append(all, s)
		}
	}
	return all
}
