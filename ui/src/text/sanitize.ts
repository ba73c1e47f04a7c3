// The last gate before model text becomes part of the page.
import DOMPurify from "dompurify";

const tags = [
  "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd",
  "li", "mark", "ol", "p", "pre", "s", "small", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
];

// No class and no id: model text can't dress up as a part of the window.
const attributes = ["href", "title", "align", "dir", "start", "data-lang", "data-scroll", "data-task"];

export function fragment(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: tags,
    ALLOWED_ATTR: attributes,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    // Their values are no addresses and need not look like one.
    ADD_URI_SAFE_ATTR: ["align", "dir", "start", "data-lang", "data-scroll", "data-task"],
    RETURN_DOM_FRAGMENT: true,
  });
}
