// The first answer would stutter while engines see this code for the first time; so they see it before.
import { BlockStream } from "./stream";

const sample = `# One

Two *three* **four** \`five\` [six](https://example.com).

- seven
- eight

\`\`\`go
func nine() string { return "ten" } // eleven
\`\`\`

| a | b |
|---|---|
| 1 | 2 |

1. twelve

> thirteen
`;

const SEEN_MS = 1000;

// warmUp renders a small text out of sight, growing as an answer does: that also loads the fonts and what colours code.
export function warmUp(): void {
  const place = document.createElement("div");
  place.className = "offscreen";
  place.inert = true;
  place.ariaHidden = "true";
  const prose = document.createElement("div");
  prose.className = "prose";
  place.append(prose);
  document.body.append(place);
  const stream = new BlockStream(prose);
  for (let at = 0; at < sample.length; at += 40) stream.update(sample.slice(0, at), false);
  stream.update(sample, true);
  setTimeout(() => place.remove(), SEEN_MS);
}
