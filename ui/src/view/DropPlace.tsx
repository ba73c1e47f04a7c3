import { useEffect, useState } from "preact/hooks";
import { attach } from "../state/attachments";
import { openProblem } from "../state/store";
import { Icon } from "./icons";

const able = (): boolean => !document.querySelector("dialog[open]") && openProblem.value === "";

const holdsFiles = (e: DragEvent): boolean => e.dataTransfer?.types.includes("Files") ?? false;

// DropPlace takes files dropped anywhere in the window, which would otherwise leave the chat and show the file.
export function DropPlace() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let timer = 0;
    const dragged = (e: DragEvent) => {
      if (!holdsFiles(e)) return;
      e.preventDefault();
      if (e.dataTransfer) e.dataTransfer.dropEffect = able() ? "copy" : "none";
      setOver(able());
      // Nothing tells for certain that the pointer has left the window; while it is there, this comes several times a second.
      clearTimeout(timer);
      timer = window.setTimeout(() => setOver(false), 700);
    };
    const dropped = (e: DragEvent) => {
      if (!holdsFiles(e)) return;
      e.preventDefault();
      setOver(false);
      if (e.dataTransfer && able()) void attach(e.dataTransfer.files);
    };
    document.addEventListener("dragover", dragged);
    document.addEventListener("drop", dropped);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("dragover", dragged);
      document.removeEventListener("drop", dropped);
    };
  }, []);
  return over ? <div class="drop-place" aria-hidden="true"><span><Icon name="clip" />Drop to attach</span></div> : null;
}
