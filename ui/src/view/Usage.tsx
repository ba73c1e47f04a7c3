import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, words } from "../api";
import type { UsageSum } from "../gen/api/v1/api_pb";
import { byModel, price, total, type Line } from "../state/usage";
import { count } from "../text/words";
import { Icon } from "./icons";

const DAY_MS = 86_400_000;
const spans: readonly [number, string][] = [[1, "Last 24 hours"], [7, "Last 7 days"], [30, "Last 30 days"], [365, "Last year"], [0, "All time"]];

// Usage is the page of what models consumed.
export function Usage() {
  const [days, setDays] = useState(30);
  const [sums, setSums] = useState<readonly UsageSum[]>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let asked = true;
    api.runs.getUsage({ sinceMs: BigInt(days ? Date.now() - days * DAY_MS : 0) }).then(
      (answer) => asked && setSums(answer.sums),
      (err: unknown) => asked && setProblem(words(err)),
    );
    return () => {
      asked = false;
    };
  }, [days]);
  const all = sums && total(sums);
  return (
    <>
      <p class="faint">What models consumed, deleted chats included. Costs are list prices as known today; “+” stands for models whose price is not known.</p>
      <select class="field" data-short aria-label="Since when" value={String(days)} onChange={(e) => setDays(Number(e.currentTarget.value))}>
        {spans.map(([n, text]) => <option key={n} value={String(n)}>{text}</option>)}
      </select>
      {problem && <p class="form-problem" role="alert"><Icon name="warn" /><span>{problem}</span></p>}
      {sums?.length === 0 && <p class="empty">Nothing was used in this time.</p>}
      {sums && all && sums.length > 0 && (
        <div class="usage">
          <table>
            <thead>
              <tr><th scope="col">Model</th><th scope="col">Calls</th><th scope="col">Tokens in</th><th scope="col">Tokens out</th><th scope="col">Cost</th></tr>
            </thead>
            <tbody>{byModel(sums).map((l) => <Row key={l.key} line={l} name={<>{l.model || l.provider}{l.model && l.model !== l.provider && <span class="faint"> {l.provider}</span>}</>} />)}</tbody>
            <tfoot><Row line={all} name="Together" /></tfoot>
          </table>
        </div>
      )}
      {all?.estimated && <p class="faint">“~”: some providers reported nothing, and OpenVibez counted.</p>}
    </>
  );
}

function Row({ line: l, name }: { line: Line; name: ComponentChildren }) {
  const about = l.estimated ? "~" : "";
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{count(l.calls)}</td>
      <td>{about}{count(l.input)}</td>
      <td>{about}{count(l.output)}</td>
      <td>{price(l) || "–"}</td>
    </tr>
  );
}
