// Which files a message may carry, and as what. Pure.

export const MAX_FILES = 5;
export const MAX_FILE_BYTES = 20 * 1024 * 1024;
// Of one message; the host takes no larger request.
export const MAX_TOGETHER_BYTES = 50 * 1024 * 1024;

// What models can look at.
const seen = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export const isImage = (mediaType: string): boolean => seen.has(mediaType);

interface Sized {
  readonly name: string;
  readonly size: number;
}

const mb = (bytes: number): string => `${Math.ceil(bytes / 104857.6) / 10} MB`;

// refusal says in words why one more file can't go with those that are there, or nothing.
export function refusal(there: readonly Sized[], file: Sized): string {
  if (there.length >= MAX_FILES) return `A message takes ${MAX_FILES} files. ${file.name} was left out: send it with the next message.`;
  if (file.size === 0) return `${file.name} is empty, or is a folder.`;
  if (file.size > MAX_FILE_BYTES) return `${file.name} has ${mb(file.size)} and 20 MB is the most a file can have.`;
  const together = there.reduce((n, f) => n + f.size, file.size);
  if (together > MAX_TOGETHER_BYTES) return `With ${file.name} the files have ${mb(together)} together, and one message takes 50 MB. Send it with the next message.`;
  return "";
}

const byName: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", pdf: "application/pdf", json: "application/json" };

// mediaTypeOf settles what a file is sent as. What systems say about source code is often wrong (a .ts file is a video to
// many), so that a text is a text whatever it is called.
export function mediaTypeOf(name: string, said: string, data: Uint8Array): string {
  const type = said.split(";")[0].trim().toLowerCase();
  if (isImage(type) || type === "application/pdf") return type;
  const known = byName[name.toLowerCase().split(".").pop() ?? ""];
  if (!type && known) return known;
  if (!isText(data)) return type || "application/octet-stream";
  return type.startsWith("text/") || type === "application/json" ? type : (known ?? "text/plain");
}

// unseen says in words why an image is of no use to a model, or nothing.
export function unseen(name: string, mediaType: string): string {
  if (!mediaType.startsWith("image/") || isImage(mediaType)) return "";
  return `${name} is of a kind of image that models can't read. Make it a PNG, JPEG, GIF or WebP first.`;
}

const LOOKED_AT = 64 * 1024;

function isText(data: Uint8Array): boolean {
  const beginning = data.subarray(0, LOOKED_AT);
  if (beginning.includes(0)) return false;
  try {
    // A character cut in two at the end is no mistake.
    new TextDecoder("utf-8", { fatal: true }).decode(beginning, { stream: true });
    return true;
  } catch {
    return false;
  }
}

// pastedName tells pictures apart that all come as image.png.
export function pastedName(name: string, mediaType: string, there: readonly Sized[]): string {
  const ending = mediaType.split("/")[1]?.replace("jpeg", "jpg") ?? "bin";
  if (name && !/^image\.\w+$/.test(name)) return name;
  for (let n = 1; ; n++) {
    const next = `pasted-${n}.${ending}`;
    if (!there.some((f) => f.name === next)) return next;
  }
}
