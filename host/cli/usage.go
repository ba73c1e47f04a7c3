package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	apiv1 "github.com/openvibez/openvibez/host/api/v1"
	"github.com/openvibez/openvibez/host/client"
	"github.com/openvibez/openvibez/host/terminal"
)

func usageCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON, daily bool
	var days int
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Sum up what the models consumed",
		Long: `Tokens are those the providers reported; where they reported none, ours are counted and marked with "~".
Costs are list prices as known today, for models whose price is known. Deleted conversations count too.`,
		Example: `  openvibez usage
  openvibez usage --days 7 --daily
  openvibez usage --json | jq -s 'map(.costMicrodollars | tonumber? // 0) | add / 1e6'`,
		Args: terminal.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 {
				return terminal.Misused(cmd, "--days is %d: it starts at 1", days)
			}
			c, err := client.Ensure(cmd.Context(), t.Getenv)
			if err != nil {
				return err
			}
			now := time.Now()
			since := time.Date(now.Year(), now.Month(), now.Day()-days+1, 0, 0, 0, 0, time.Local)
			res, err := c.Runs.GetUsage(cmd.Context(), &apiv1.GetUsageRequest{SinceMs: since.UnixMilli()})
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.PrintJSON(t.Out, res.Sums...)
			}
			if len(res.Sums) == 0 {
				t.Out.Printf("Nothing was consumed in the last %d days.\n", days)
				return nil
			}
			terminal.Table(t.Out, usageRows(res.Sums, daily))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line: a day, provider and model each")
	cmd.Flags().BoolVar(&daily, "daily", false, "list each day apart")
	cmd.Flags().IntVar(&days, "days", 30, "look at so many days, today included")
	return cmd
}

// usageRows lists sums by model, by day where wanted, and all together.
func usageRows(sums []*apiv1.UsageSum, daily bool) [][]string {
	type total struct {
		calls, estimated, input, cached, output, reasoning, cost int64
		// Some of it has no known price.
		open bool
	}
	add := func(t *total, s *apiv1.UsageSum) {
		t.calls += s.Calls
		t.estimated += s.EstimatedCalls
		t.input += s.Usage.GetInputTokens()
		t.cached += s.Usage.GetCachedInputTokens()
		t.output += s.Usage.GetOutputTokens()
		t.reasoning += s.Usage.GetReasoningTokens()
		t.cost += s.GetCostMicrodollars()
		t.open = t.open || s.CostMicrodollars == nil
	}
	var keys [][3]string
	totals := map[[3]string]*total{}
	all := &total{}
	for _, s := range sums {
		key := [3]string{"", s.Provider, s.Model}
		if daily {
			key[0] = s.Day
		}
		if totals[key] == nil {
			totals[key] = &total{}
			keys = append(keys, key)
		}
		add(totals[key], s)
		add(all, s)
	}
	row := func(key [3]string, t *total) []string {
		mark := ""
		if t.estimated > 0 {
			mark = "~"
		}
		cost := "-"
		if t.cost > 0 || !t.open {
			cost = fmt.Sprintf("$%.4f", float64(t.cost)/1e6)
			if t.open {
				cost += "+"
			}
		}
		cells := []string{
			key[1], key[2], fmt.Sprint(t.calls), fmt.Sprint(mark, t.input), fmt.Sprint(t.cached), fmt.Sprint(mark, t.output),
			fmt.Sprint(t.reasoning), cost,
		}
		if daily {
			cells = append([]string{key[0]}, cells...)
		}
		return cells
	}
	head := []string{"PROVIDER", "MODEL", "CALLS", "INPUT", "CACHED", "OUTPUT", "REASONING", "COST"}
	if daily {
		head = append([]string{"DAY"}, head...)
	}
	rows := [][]string{head}
	for _, key := range keys {
		rows = append(rows, row(key, totals[key]))
	}
	if len(keys) > 1 {
		last := [3]string{"", "together", ""}
		if daily {
			last = [3]string{"together", "", ""}
		}
		rows = append(rows, row(last, all))
	}
	return rows
}
