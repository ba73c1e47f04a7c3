import { sentence } from "../text/words";

// Words is what the host or a plugin says to people: a sentence, with commands between backticks set as code.
export function Words({ text }: { text: string }) {
  return (
    <span>
      {sentence(text)
        .split("`")
        .map((piece, i, all) => (i % 2 === 1 && i < all.length - 1 ? <code key={i}>{piece}</code> : i % 2 === 1 ? `\`${piece}` : piece))}
    </span>
  );
}
