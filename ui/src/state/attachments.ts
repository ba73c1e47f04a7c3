// Files that will go with the next message. They stay with their chat while the window is open.
import { computed, signal } from "@preact/signals";
import { create } from "@bufbuild/protobuf";
import { BlobSchema, Capability, type Blob as FileBlob } from "../gen/provider/v1/provider_pb";
import { isImage, mediaTypeOf, pastedName, refusal, unseen } from "./attach";
import { choice, label } from "./choice";
import { openId, table } from "./store";

export interface Attachment {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly blob: FileBlob;
}

const bySession = signal<ReadonlyMap<string, readonly Attachment[]>>(new Map());

export const attachments = computed<readonly Attachment[]>(() => bySession.value.get(openId.value) ?? []);
// Why the last file was not taken.
export const attachProblem = signal("");

function put(session: string, list: readonly Attachment[]): void {
  const next = new Map(bySession.value);
  if (list.length > 0) next.set(session, list);
  else next.delete(session);
  bySession.value = next;
}

// One after the other, so that each sees how many there are.
let reading: Promise<void> = Promise.resolve();

// attach takes files into the open chat's next message.
export function attach(files: Iterable<File>, pasted = false): Promise<void> {
  const session = openId.value;
  const list = [...files];
  attachProblem.value = "";
  reading = reading.then(async () => {
    for (const file of list) await take(session, file, pasted);
  });
  return reading;
}

async function take(session: string, file: File, pasted: boolean): Promise<void> {
  const there = bySession.value.get(session) ?? [];
  let wrong = refusal(there, file);
  if (!wrong) {
    try {
      const data = new Uint8Array(await file.arrayBuffer());
      const mediaType = mediaTypeOf(file.name, file.type, data);
      const name = pasted ? pastedName(file.name, mediaType, there) : file.name;
      wrong = unseen(name, mediaType);
      if (!wrong) put(session, [...there, { id: crypto.randomUUID(), name, size: data.length, blob: create(BlobSchema, { name, mediaType, data }) }]);
    } catch {
      wrong = `${file.name} could not be read. It may be a folder, or gone.`;
    }
  }
  if (wrong) attachProblem.value = wrong;
}

export function detach(id: string): void {
  attachProblem.value = "";
  put(openId.value, attachments.value.filter((a) => a.id !== id));
}

// sentAlong: these have become part of a message.
export function sentAlong(session: string, files: readonly Attachment[]): void {
  put(session, (bySession.value.get(session) ?? []).filter((a) => !files.includes(a)));
}

// blindModel is the name of the chosen model if it is known to see no images and one is attached; else empty. A model of
// which nothing is known may well see them.
export const blindModel = computed(() => {
  if (!attachments.value.some((a) => isImage(a.blob.mediaType))) return "";
  const { providerId, model } = choice.value;
  const known = table.models.value.get(`${providerId}/${model}`);
  const can = known?.model?.capabilities ?? [];
  return known && can.length > 0 && !can.includes(Capability.IMAGES) ? label(known) : "";
});
