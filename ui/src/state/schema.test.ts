import { describe, expect, test } from "vitest";
import { formOf, keepsSecret, range, settingsOf, valuesOf, withoutTyped } from "./schema";

const form = formOf(
  JSON.stringify({
    type: "object",
    properties: {
      num_ctx: { type: "integer", minimum: 256, title: "Context length", description: "How much it remembers." },
      temperature: { type: "number", minimum: 0, maximum: 2 },
      keep_alive: { type: "string", examples: ["5m", "1h"], pattern: "^-?\\d+[smh]?$" },
      think: { type: "boolean", default: true },
      api: { enum: ["auto", "chat"], default: "auto" },
      tier: { oneOf: [{ const: 1, title: "First" }, { const: 2, title: "Second" }] },
      headers: { type: "object" },
      odd: { type: ["string", "integer"] },
      maybe: { type: ["null", "string"] },
      closed: false,
    },
    required: ["api", "maybe"],
    additionalProperties: false,
  }),
);
const field = (name: string) => form.fields.find((f) => f.name === name);
const read = (values: Record<string, string>) => settingsOf(form, { maybe: "x", ...values }, "");

describe("the form", () => {
  test("has a field of the right kind for each property", () => {
    expect(form.fields.map((f) => [f.name, f.kind])).toEqual([
      ["num_ctx", "integer"], ["temperature", "number"], ["keep_alive", "text"], ["think", "boolean"],
      ["api", "choice"], ["tier", "choice"], ["headers", "json"], ["odd", "json"], ["maybe", "text"],
    ]);
  });
  test("takes titles, words, defaults and examples from the schema", () => {
    expect(field("num_ctx")).toMatchObject({ title: "Context length", about: "How much it remembers.", standard: "", required: false });
    expect(field("keep_alive")).toMatchObject({ title: "Keep alive", example: "5m" });
    expect(field("think")?.standard).toBe("true");
    expect(field("tier")?.choices.map((c) => c.title)).toEqual(["First", "Second"]);
    expect(["num_ctx", "temperature", "think"].map((n) => range(field(n)!))).toEqual(["256 or more", "0 to 2", ""]);
  });
  test("is empty where the schema says nothing or is none", () => {
    for (const schema of ["", "{", "[]", '{"type":"object"}']) expect(formOf(schema).fields).toEqual([]);
  });
});

describe("reading what was written", () => {
  test("keeps the types, leaves out what is empty", () => {
    const { settingsJson, problems } = read({ num_ctx: " 8192 ", temperature: "0.5", think: "false", api: "chat", tier: "2", headers: '{"a":1}', keep_alive: "" });
    expect(problems).toEqual({});
    expect(JSON.parse(settingsJson)).toEqual({ num_ctx: 8192, temperature: 0.5, think: false, api: "chat", tier: 2, headers: { a: 1 }, maybe: "x" });
  });
  test("says what is wrong beside the field it is in", () => {
    const { problems } = read({ num_ctx: "many", temperature: "3", keep_alive: "for ever", headers: "{", maybe: "" });
    expect(problems).toEqual({
      num_ctx: "“many” is no whole number. Write for example 256.",
      temperature: "It has to be 0 to 2.",
      keep_alive: "“for ever” does not have the form this takes. Write for example 5m.",
      headers: expect.stringContaining("no JSON"),
      maybe: "This is needed.",
    });
    expect(read({ num_ctx: "1.5" }).problems.num_ctx).toContain("no whole number");
    expect(read({ num_ctx: "1e999" }).problems.num_ctx).toContain("no whole number");
  });
  test("nothing written is no settings at all", () => {
    expect(settingsOf(formOf('{"properties":{"a":{"type":"string"}}}'), {}, "")).toEqual({ settingsJson: "", problems: {} });
  });
  test("what was read is shown again as it was written", () => {
    const { settingsJson } = read({ num_ctx: "8192", think: "false", tier: "2", headers: '{"a":1}' });
    expect(valuesOf(form, settingsJson)).toEqual({ num_ctx: "8192", think: "false", tier: "2", headers: '{\n  "a": 1\n}', maybe: "x" });
  });
  test("settings without a field stay, if the schema lets them", () => {
    const open = formOf('{"properties":{"a":{"type":"string"}}}');
    expect(JSON.parse(settingsOf(open, { a: "1" }, '{"a":"0","b":2}').settingsJson)).toEqual({ a: "1", b: 2 });
    expect(JSON.parse(settingsOf(form, { maybe: "x" }, '{"b":2}').settingsJson)).toEqual({ maybe: "x" });
  });
});

test("a secret that is kept stays, another takes its place, none takes it away", () => {
  const secret = formOf('{"properties":{"token":{"type":"string","writeOnly":true},"n":{"type":"integer"}},"required":["token"],"additionalProperties":false}');
  expect(secret.fields[0].kind).toBe("secret");
  const now = valuesOf(secret, '{"token":"keychain","n":1}');
  expect(JSON.parse(settingsOf(secret, { ...now, n: "2" }, "").settingsJson)).toEqual({ token: "keychain", n: 2 });
  expect(JSON.parse(settingsOf(secret, { token: "t-1" }, "").settingsJson)).toEqual({ token: "t-1" });
  expect(settingsOf(secret, { ...now, token: "" }, "").problems).toEqual({ token: "This is needed." });
  expect([keepsSecret(secret, now), keepsSecret(secret, { token: "t-1" })]).toEqual([true, false]);
  expect(withoutTyped(secret, { token: "t-1", n: "2" }, {})).toEqual({ token: "", n: "2" });
  expect(withoutTyped(secret, { ...now, token: "t-1" }, now)).toEqual(now);
  expect(withoutTyped(secret, { ...now, token: "" }, now)).toEqual({ ...now, token: "" });
});
