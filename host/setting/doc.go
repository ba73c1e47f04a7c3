// Package setting says what can be set, what it may be and what holds where nothing is.
//
// It promises that this is said once: the command line's help, the host's check of a value, what a run obeys and the page's
// form all read the same table. To add a setting, add a row to Table and read it with Number, On or Text.
//
// The main type is Setting. Files in reading order: table.go (what there is), value.go (what a value may be, and what it
// stands for).
package setting
