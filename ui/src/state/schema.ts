// A provider's settings as its plugin describes them in JSON Schema, and as people fill them in. Pure.

export type FieldKind = "text" | "secret" | "number" | "integer" | "boolean" | "choice" | "json";

export interface Choice {
  text: string;
  title: string;
  value: unknown;
}

export interface Field {
  name: string;
  kind: FieldKind;
  title: string;
  about: string;
  // What holds where nothing is written; empty: the plugin does not say.
  standard: string;
  example: string;
  choices: Choice[];
  min?: number;
  max?: number;
  pattern?: string;
  required: boolean;
}

export interface Form {
  fields: Field[];
  // Settings that have no field are allowed, and kept.
  open: boolean;
}

// keptSecret stands for a secret that the host has in the keychain.
export const keptSecret = "keychain";

// Values holds each field as it is written; "" leaves the setting out.
export type Values = Readonly<Record<string, string>>;

type Json = Record<string, unknown>;

const isObject = (v: unknown): v is Json => typeof v === "object" && v !== null && !Array.isArray(v);

function object(text: string): Json {
  try {
    const v: unknown = JSON.parse(text);
    return isObject(v) ? v : {};
  } catch {
    return {};
  }
}

const str = (v: unknown): string => (typeof v === "string" ? v : "");
const num = (v: unknown): number | undefined => (typeof v === "number" ? v : undefined);
const written = (v: unknown): string => (v === undefined ? "" : typeof v === "string" ? v : JSON.stringify(v));

export function formOf(schema: string): Form {
  const root = object(schema);
  const properties = isObject(root.properties) ? root.properties : {};
  const required = Array.isArray(root.required) ? root.required : [];
  const fields = Object.entries(properties).flatMap(([name, p]) => (p === false ? [] : [field(name, isObject(p) ? p : {}, required.includes(name))]));
  return { fields, open: root.additionalProperties !== false };
}

function field(name: string, p: Json, required: boolean): Field {
  const choices = choicesOf(p);
  const secret = p.writeOnly === true || p.format === "password";
  const kind = secret ? "secret" : choices.length > 0 ? "choice" : kindOf(p.type);
  return {
    name,
    kind,
    title: str(p.title) || sentence(name),
    about: str(p.description),
    standard: written(p.default),
    example: Array.isArray(p.examples) ? written(p.examples[0]) : "",
    choices,
    min: num(p.minimum),
    max: num(p.maximum),
    pattern: str(p.pattern) || undefined,
    required,
  };
}

function kindOf(type: unknown): FieldKind {
  const types = (Array.isArray(type) ? type : [type]).filter((t) => t !== "null");
  if (types.length !== 1) return "json";
  switch (types[0]) {
    case "string":
      return "text";
    case "number":
    case "integer":
    case "boolean":
      return types[0];
    default:
      return "json";
  }
}

function choicesOf(p: Json): Choice[] {
  if (Array.isArray(p.enum)) return p.enum.filter((v) => v !== null).map((value) => ({ text: written(value), title: written(value), value }));
  const named = [p.oneOf, p.anyOf].find(Array.isArray);
  if (!named?.every((o) => isObject(o) && "const" in o)) return [];
  return named.map((o: Json) => ({ text: written(o.const), title: str(o.title) || written(o.const), value: o.const }));
}

// sentence makes a title of a name such as keep_alive.
function sentence(name: string): string {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
}

// valuesOf is the settings as they stand, for the fields to show.
export function valuesOf(form: Form, settingsJson: string): Values {
  const now = object(settingsJson);
  return Object.fromEntries(
    form.fields.filter((f) => now[f.name] !== undefined && now[f.name] !== null).map((f) => [f.name, f.kind === "json" ? JSON.stringify(now[f.name], null, 2) : written(now[f.name])]),
  );
}

// withoutTyped puts what the host keeps in the place of secrets that were typed.
export function withoutTyped(form: Form, values: Values, kept: Values): Values {
  const typed = form.fields.filter((f) => f.kind === "secret" && values[f.name]).map((f) => [f.name, kept[f.name] ?? ""]);
  return { ...values, ...Object.fromEntries(typed) };
}

// keepsSecret tells whether one of the secrets is kept, and stays.
export const keepsSecret = (form: Form, values: Values): boolean => form.fields.some((f) => f.kind === "secret" && values[f.name] === keptSecret);

export interface Read {
  // A JSON object; empty if nothing is set.
  settingsJson: string;
  // What is wrong, by field.
  problems: Record<string, string>;
}

// settingsOf reads what was written. `before` is the settings as they were, for what has no field.
export function settingsOf(form: Form, values: Values, before: string): Read {
  const out: Json = {};
  const problems: Record<string, string> = {};
  for (const f of form.fields) {
    const text = values[f.name] ?? "";
    if (text.trim() === "") {
      if (f.required && f.standard === "") problems[f.name] = "This is needed.";
      continue;
    }
    const read = readField(f, text);
    if ("problem" in read) problems[f.name] = read.problem;
    else out[f.name] = read.value;
  }
  if (form.open) {
    const known = new Set(form.fields.map((f) => f.name));
    for (const [name, value] of Object.entries(object(before))) if (!known.has(name)) out[name] = value;
  }
  return { settingsJson: Object.keys(out).length > 0 ? JSON.stringify(out) : "", problems };
}

function readField(f: Field, text: string): { value: unknown } | { problem: string } {
  switch (f.kind) {
    case "number":
    case "integer": {
      const n = Number(text);
      if (!Number.isFinite(n) || (f.kind === "integer" && !Number.isSafeInteger(n))) {
        return { problem: `“${text.trim()}” is no ${f.kind === "integer" ? "whole number" : "number"}. Write for example ${example(f)}.` };
      }
      if ((f.min !== undefined && n < f.min) || (f.max !== undefined && n > f.max)) return { problem: `It has to be ${range(f)}.` };
      return { value: n };
    }
    case "boolean":
      return { value: text === "true" };
    case "choice": {
      const choice = f.choices.find((c) => c.text === text);
      return choice ? { value: choice.value } : { problem: `There is no “${text}” to choose.` };
    }
    case "json":
      try {
        return { value: JSON.parse(text) as unknown };
      } catch {
        return { problem: "This is no JSON. Write for example \"text\", 5, [1, 2] or {\"name\": \"value\"}." };
      }
    default:
      return fits(f.pattern, text) ? { value: text } : { problem: `“${text}” does not have the form this takes${f.example ? `. Write for example ${f.example}` : ""}.` };
  }
}

function example(f: Field): string {
  if (f.example || f.standard) return f.example || f.standard;
  if (f.kind === "integer") return String(Math.ceil(f.min ?? 8));
  return f.max !== undefined && f.min !== undefined ? String((f.min + f.max) / 2) : "0.5";
}

// range says in words which numbers a field takes; empty: all.
export function range(f: Field): string {
  if (f.min !== undefined && f.max !== undefined) return `${f.min} to ${f.max}`;
  if (f.min !== undefined) return `${f.min} or more`;
  return f.max !== undefined ? `${f.max} or less` : "";
}

function fits(pattern: string | undefined, text: string): boolean {
  if (!pattern) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}
