// Makes characters visible that would show a command other than it is: control, direction and invisible ones.

export interface Piece {
  text: string;
  // It stands for a character that can't be seen.
  odd: boolean;
}

// New lines and tabs are what they look like. Spaces other than the usual one, and characters that leave no mark, are not.
const odd = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u2800]/u;
const plain = new Set(["\n", "\t", " "]);

const names: Record<string, string> = { "\r": "\\r", "\u001b": "\\e", "\0": "\\0", "\u007f": "\\x7f", "\b": "\\b" };

function named(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  return names[c] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`);
}

// visible cuts a text into what can be read and what stands for a character that can't be.
export function visible(text: string): Piece[] {
  const out: Piece[] = [];
  let run = "";
  const flush = () => {
    if (run) out.push({ text: run, odd: false });
    run = "";
  };
  for (const c of text) {
    if (plain.has(c) || !odd.test(c)) {
      run += c;
      continue;
    }
    flush();
    out.push({ text: named(c), odd: true });
  }
  flush();
  return out;
}

// visibleText is the same as one string, for where nothing can be marked.
export const visibleText = (text: string): string => visible(text).map((p) => p.text).join("");
