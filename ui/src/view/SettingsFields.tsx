import { keptSecret, range, type Field, type Form, type Values } from "../state/schema";
import { FormRow } from "./FormRow";

interface Props {
  id: string;
  form: Form;
  // As they are kept, and as they are written.
  kept: Values;
  values: Values;
  problems: Readonly<Record<string, string>>;
  onChange: (values: Values) => void;
}

// SettingsFields draws what a plugin can be told, as its schema describes it.
export function SettingsFields({ id, form, kept, values, problems, onChange }: Props) {
  return (
    <>
      {form.fields.map((f) => {
        const set = (text: string) => onChange({ ...values, [f.name]: text });
        return (
          <FormRow key={f.name} id={`${id}-${f.name}`} title={f.title} about={f.kind === "secret" ? secretWords(f.about, values[f.name] === keptSecret) : f.about} problem={problems[f.name]}>
            {(tied) => <Entry tied={tied} field={f} kept={kept[f.name] ?? ""} value={values[f.name] ?? ""} set={set} />}
          </FormRow>
        );
      })}
    </>
  );
}

const secretWords = (about: string, kept: boolean): string => `${about} ${kept ? "One is kept. It stays unless you enter another." : "It goes to the keychain and to nothing else; no plugin sees it."}`.trim();

function Entry({ tied, field: f, kept, value, set }: { tied: object; field: Field; kept: string; value: string; set: (text: string) => void }) {
  switch (f.kind) {
    case "secret":
      return (
        <span class="secret">
          <input {...tied} class="field" type="password" autocomplete="off" spellcheck={false} placeholder={value === keptSecret ? "••••••••" : ""} value={value === keptSecret ? "" : value} onInput={(e) => set(e.currentTarget.value || kept)} />
          {value === keptSecret && <button class="text-button" type="button" onClick={() => set("")}>Forget it</button>}
        </span>
      );
    case "boolean":
      return <Choices tied={tied} value={value} set={set} standard={f.standard === "" ? "" : yes(f.standard)} choices={[["true", "Yes"], ["false", "No"]]} />;
    case "choice":
      return (
        <Choices tied={tied} value={value} set={set} standard={f.choices.find((c) => c.text === f.standard)?.title ?? f.standard} choices={f.choices.map((c) => [c.text, c.title])} />
      );
    case "json":
      return <textarea {...tied} class="field mono" rows={3} spellcheck={false} placeholder={f.standard || f.example || "JSON"} value={value} onInput={(e) => set(e.currentTarget.value)} />;
    default: {
      const hint = f.standard || (f.example ? `such as ${f.example}` : range(f));
      const mode = f.kind === "integer" ? "numeric" : f.kind === "number" ? "decimal" : undefined;
      return (
        <input {...tied} class="field" data-short={f.kind !== "text" || undefined} inputMode={mode} spellcheck={false} autocomplete="off" placeholder={hint} value={value} onInput={(e) => set(e.currentTarget.value)} />
      );
    }
  }
}

const yes = (value: string): string => (value === "true" ? "Yes" : "No");

interface ChoicesProps {
  tied: object;
  value: string;
  set: (text: string) => void;
  standard: string;
  choices: (readonly [string, string])[];
}

// Nothing chosen is a choice of its own: what the plugin or its provider takes for granted.
function Choices({ tied, value, set, standard, choices }: ChoicesProps) {
  const strange = value !== "" && !choices.some(([text]) => text === value);
  return (
    <select {...tied} class="field" data-short value={value} onChange={(e) => set(e.currentTarget.value)}>
      <option value="">{standard ? `Standard (${standard})` : "Not set"}</option>
      {choices.map(([text, title]) => <option key={text} value={text}>{title}</option>)}
      {strange && <option value={value}>{value}</option>}
    </select>
  );
}
