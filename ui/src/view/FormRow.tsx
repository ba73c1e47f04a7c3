import type { ComponentChildren } from "preact";
import { Icon } from "./icons";
import { Words } from "./Words";

interface Props {
  id: string;
  title: string;
  about?: string;
  problem?: string;
  // What the field needs to be tied to its words.
  children: (tied: { id: string; "aria-describedby": string; "aria-invalid": true | undefined }) => ComponentChildren;
}

// FormRow is a field with its title above it, and under it what it is about and what is wrong with it.
export function FormRow({ id, title, about, problem, children }: Props) {
  return (
    <div class="form-row">
      <label for={id}>{title}</label>
      {children({ id, "aria-describedby": `${id}-about`, "aria-invalid": problem ? true : undefined })}
      <div id={`${id}-about`} class="form-words">
        {problem && <p class="form-problem" role="alert"><Icon name="warn" /><Words text={problem} /></p>}
        {about && <p class="faint">{about}</p>}
      </div>
    </div>
  );
}
