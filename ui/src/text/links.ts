// Which links of a model may be opened, and where they go.

const opens = new Set(["http:", "https:", "mailto:"]);

// openable gives the absolute address of a link that may be handed to the system's browser, or nothing.
export function openable(href: string | null | undefined): string {
  if (!href) return "";
  let url: URL;
  try {
    url = new URL(href.trim());
  } catch {
    return "";
  }
  if (!opens.has(url.protocol)) return "";
  if (url.protocol !== "mailto:" && (url.hostname === "" || url.username !== "" || url.password !== "")) return "";
  return url.href;
}
