// What the host's words for places, classes and trust mean, in plain words. Pure.
import { AccessMode, Trust } from "../gen/api/v1/api_pb";
import { sentence } from "../text/words";

// profileOf takes apart what the host says of a profile, "work: the workspace can be changed": its name, and the words.
export function profileOf(said: string): [name: string, words: string] {
  const [, name = "", words = said] = /^([a-z]+): (.*)$/s.exec(said) ?? [];
  return [name || said, name && name !== "host" ? `In the sandbox, ${words}` : sentence(words)];
}

export const classWords: Record<string, string> = {
  read: "only reads",
  build: "builds, tests or writes files",
  git: "changes the repository",
  network: "wants to reach the network",
  dangerous: "can do harm that can't be taken back",
  unknown: "nothing is known of this command",
};

export const trustWords: Record<Trust, { name: string; about: string }> = {
  [Trust.UNSPECIFIED]: { name: "Not trusted", about: "" },
  [Trust.TRUSTED]: { name: "Trusted", about: "Models may read, change and build here without asking, in the sandbox." },
  [Trust.READ_ONLY]: { name: "Read only", about: "Models may look at everything here and change nothing." },
  [Trust.UNTRUSTED]: { name: "Not trusted", about: "Reading is allowed. Every change, build or unknown command asks first." },
};

export const accessWords: Record<AccessMode, { name: string; about: string }> = {
  [AccessMode.UNSPECIFIED]: { name: "Workspace", about: "" },
  [AccessMode.READ_ONLY]: { name: "Read only", about: "Look at files, change nothing" },
  [AccessMode.SCOPED]: { name: "Workspace", about: "Work in the folder, inside the sandbox" },
  [AccessMode.ROOT]: { name: "Root", about: "May leave the sandbox, asking each time" },
};

// levelWords says how far the kernel confines commands here; empty where nothing is amiss.
export const levelWords: Record<string, string> = {
  reduced: "The sandbox works only in part on this machine: more is asked, and less is allowed.",
  none: "There is no sandbox on this machine: nearly everything is refused.",
};
