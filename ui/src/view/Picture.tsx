import { useEffect, useState } from "preact/hooks";
import type { Blob as FileBlob } from "../gen/provider/v1/provider_pb";
import { bytes } from "../text/words";
import { CloseButton, Modal } from "./parts";

// useAddress gives a picture's bytes an address of this page, for as long as it is shown.
function useAddress(blob: FileBlob): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([blob.data as Uint8Array<ArrayBuffer>], { type: blob.mediaType }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

export function Thumbnail({ blob }: { blob: FileBlob }) {
  const url = useAddress(blob);
  return <span class="thumb">{url && <img src={url} alt={blob.name} />}</span>;
}

// Picture is an image of a message; a click shows it as large as the window allows.
export function Picture({ blob }: { blob: FileBlob }) {
  const url = useAddress(blob);
  const [open, setOpen] = useState(false);
  const [broken, setBroken] = useState(false);
  const name = blob.name || "Image";
  if (broken) return <span class="file-chip">{name} · {bytes(blob.data.length)} · can't be shown</span>;
  return (
    <>
      <button class="picture" aria-label={`Show ${name}`} title={`${name} · ${bytes(blob.data.length)}`} onClick={() => setOpen(true)}>
        {url && <img src={url} alt={name} onError={() => setBroken(true)} />}
      </button>
      {open && (
        <Modal label={name} class="viewer" close={() => setOpen(false)}>
          <header class="sheet-head">
            <span>{name}</span>
            <CloseButton onClick={() => setOpen(false)} />
          </header>
          <img src={url} alt={name} />
        </Modal>
      )}
    </>
  );
}
