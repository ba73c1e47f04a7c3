import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Model, Provider } from "../gen/api/v1/api_pb";
import type { DescribeResponse } from "../gen/provider/v1/provider_pb";
import { label } from "../state/choice";
import { dropsKey, movesAway, type Draft } from "../state/connection";
import { formOf, keepsSecret, valuesOf } from "../state/schema";
import { FormRow } from "./FormRow";
import { Icon } from "./icons";
import { KeyFields } from "./KeyFields";
import { SettingsFields } from "./SettingsFields";
import { Words } from "./Words";

interface Props {
  id: string;
  label: string;
  about: DescribeResponse | undefined;
  draft: Draft;
  // As the host has it; absent while it is being added.
  provider?: Provider;
  models: Model[];
  problems: Readonly<Record<string, string>>;
  change: (fields: Partial<Draft>) => void;
  submit: () => Promise<void>;
  // Above the fields, and the buttons.
  head?: ComponentChildren;
  children: ComponentChildren;
}

// ProviderForm is what can be said about a connection, to add one and to change one.
export function ProviderForm({ id, label: name, about, draft: d, provider, models, problems, change, submit, head, children }: Props) {
  const ref = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    ref.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, []);
  const form = formOf(about?.settingsSchema ?? "");
  const drops = provider !== undefined && dropsKey(d, provider);
  const dropsSetting = provider !== undefined && movesAway(d, provider) && keepsSecret(form, d.values);
  const shown = new Set(["name", "baseUrl", "key", ...form.fields.map((f) => f.name)]);
  const others = Object.entries(problems).filter(([field]) => !shown.has(field));
  const send = async (e: Event) => {
    e.preventDefault();
    await submit();
    requestAnimationFrame(() => ref.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
  };
  const networked = about === undefined || about.defaultBaseUrl !== "" || about.key !== undefined || !about.canned;
  return (
    <form ref={ref} class="provider-form" aria-label={name} noValidate onSubmit={(e) => void send(e)}>
      {head}
      <FormRow id={`${id}-name`} title="Name" problem={problems.name}>
        {(tied) => <input {...tied} class="field" autocomplete="off" placeholder={about?.name} value={d.name} maxLength={80} onInput={(e) => change({ name: e.currentTarget.value })} />}
      </FormRow>
      {networked && (
        <FormRow id={`${id}-url`} title="Address" problem={problems.baseUrl}>
          {(tied) => <input {...tied} class="field" type="url" autocomplete="off" spellcheck={false} placeholder={about?.defaultBaseUrl || "https://…"} value={d.baseUrl} onInput={(e) => change({ baseUrl: e.currentTarget.value })} />}
        </FormRow>
      )}
      {(drops || dropsSetting) && (
        <p class="form-warning" role="status">
          <Icon name="warn" />
          <span>What is in the keychain was given for {provider.baseUrl ? <code>{provider.baseUrl}</code> : "the usual address"} and is forgotten when you save another address. Enter it for the new address, if it needs one.</span>
        </p>
      )}
      {about?.key && <KeyFields id={`${id}-key`} scheme={about.key} draft={d} kept={provider?.keySource ?? ""} drops={drops} problem={problems.key} change={change} />}
      {models.length > 0 && <DefaultModel id={`${id}-model`} models={models} value={d.defaultModel} set={(defaultModel) => change({ defaultModel })} />}
      <SettingsFields id={`${id}-set`} form={form} kept={valuesOf(form, provider?.settingsJson ?? "")} values={d.values} problems={problems} onChange={(values) => change({ values })} />
      {others.map(([field, words]) => <p key={field} class="form-problem" role="alert"><Icon name="warn" /><Words text={words} /></p>)}
      <div class="buttons">{children}</div>
    </form>
  );
}

function DefaultModel({ id, models, value, set }: { id: string; models: Model[]; value: string; set: (model: string) => void }) {
  const known = value === "" || models.some((m) => m.model?.id === value);
  return (
    <FormRow id={id} title="Default model" about="">
      {(tied) => (
        <select {...tied} class="field" data-short value={value} onChange={(e) => set(e.currentTarget.value)}>
          <option value="">Automatic ({label(models[0])})</option>
          {models.map((m) => <option key={m.model?.id} value={m.model?.id}>{label(m)}</option>)}
          {!known && <option value={value}>{value} (no longer listed)</option>}
        </select>
      )}
    </FormRow>
  );
}
