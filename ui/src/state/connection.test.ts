import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ProviderSchema } from "../gen/api/v1/api_pb";
import { DescribeResponseSchema, ErrorCode, ErrorSchema } from "../gen/provider/v1/provider_pb";
import { blamed, changed, changesOf, draftOf, dropsKey, fieldOf, newDraft, withKey } from "./connection";

const about = create(DescribeResponseSchema, {
  id: "x",
  key: { env: "X_KEY" },
  settingsSchema: '{"properties":{"size":{"type":"integer","minimum":1}},"additionalProperties":false}',
});
const provider = (more: object = {}) =>
  create(ProviderSchema, { id: "p", plugin: "x", name: "Mine", baseUrl: "https://a.example", keySource: "keychain", settingsJson: '{"size":5}', ...more });

describe("editing", () => {
  test("what is left as it was is no change", () => {
    const p = provider();
    expect(changesOf(draftOf(p, about), p, about)).toEqual({ changes: {}, problems: {} });
    expect(changed({ ...draftOf(p, about), baseUrl: "https://a.example/ ", name: "Mine " }, p, about)).toBe(false);
  });
  test("only what differs is sent", () => {
    const p = provider();
    const d = draftOf(p, about);
    expect(changesOf({ ...d, name: "Ours" }, p, about).changes).toEqual({ name: "Ours" });
    expect(changesOf({ ...d, values: { size: "6" } }, p, about).changes).toEqual({ settingsJson: '{"size":6}' });
    expect(changesOf({ ...d, values: {} }, p, about).changes).toEqual({ settingsJson: "" });
    expect(changesOf({ ...d, key: " sk-1 " }, p, about).changes).toEqual({ key: "sk-1" });
    expect(changesOf({ ...d, keyPlace: "env" }, p, about).changes).toEqual({ keySource: "env:X_KEY" });
    expect(changesOf({ ...d, keyPlace: "" }, p, about).changes).toEqual({ keySource: "" });
  });
  test("a key in the keychain has to be typed once", () => {
    const p = provider({ keySource: "env:X_KEY" });
    const d = { ...draftOf(p, about), keyPlace: "keychain" } as const;
    expect(changesOf(d, p, about).problems).toEqual({ key: "Enter the key." });
    expect(changed(d, p, about)).toBe(true);
    expect(changesOf({ ...d, key: "sk-1" }, p, about)).toEqual({ changes: { key: "sk-1" }, problems: {} });
  });
  test("a key typed for another place is not sent", () => {
    const p = provider({ keySource: "env:X_KEY" });
    expect(changesOf({ ...draftOf(p, about), key: "sk-1" }, p, about).changes).toEqual({});
  });
  test("a command that prints the key stays", () => {
    const p = provider({ keySource: "command:op read x" });
    expect(draftOf(p, about)).toMatchObject({ keyPlace: "command", keyCommand: "op read x" });
    expect(changesOf(draftOf(p, about), p, about).changes).toEqual({});
  });
  test("a changed address drops the key, unless a new one comes with it", () => {
    const p = provider();
    const d = draftOf(p, about);
    expect(dropsKey(d, p)).toBe(false);
    expect(dropsKey({ ...d, baseUrl: "https://a.example/" }, p)).toBe(false);
    expect(dropsKey({ ...d, baseUrl: "https://b.example" }, p)).toBe(true);
    expect(dropsKey({ ...d, baseUrl: "https://b.example", key: "sk-2" }, p)).toBe(false);
    expect(dropsKey({ ...draftOf(provider({ keySource: "" }), about), baseUrl: "https://b.example" }, provider({ keySource: "" }))).toBe(false);
  });
});

describe("adding", () => {
  test("a key that is needed goes to the keychain unless somebody wants otherwise", () => {
    expect(newDraft(about)).toMatchObject({ keyPlace: "keychain", keyEnv: "X_KEY" });
    const local = create(DescribeResponseSchema, { key: { optional: true }, defaultBaseUrl: "http://127.0.0.1:1" });
    expect(newDraft(local).keyPlace).toBe("");
    const service = create(DescribeResponseSchema, { key: { optional: true }, defaultBaseUrl: "https://api.example" });
    expect(newDraft(service).keyPlace).toBe("keychain");
    expect(withKey(newDraft(service), service).keyPlace).toBe("");
    expect(withKey({ ...newDraft(service), key: "sk" }, service).keyPlace).toBe("keychain");
    expect(withKey(newDraft(about), about).keyPlace).toBe("keychain");
  });
});

describe("blame", () => {
  const words = "w";
  test("the host says which field it is", () => {
    const detail = { type: ErrorSchema.typeName, value: toBinary(ErrorSchema, create(ErrorSchema, { field: "size" })) };
    const e = new ConnectError("the base URL and the key are fine", Code.InvalidArgument);
    e.details = [detail];
    expect(blamed(e, words, about)).toEqual({ field: "size", words });
  });
  test("a failed test blames the setting, the key or the address", () => {
    const size = new Set(["size"]);
    expect(fieldOf(create(ErrorSchema, { field: "size" }), size)).toBe("size");
    expect(fieldOf(create(ErrorSchema, { field: "base_url" }), size)).toBe("baseUrl");
    expect(fieldOf(create(ErrorSchema, { code: ErrorCode.AUTH }), size)).toBe("key");
    expect(fieldOf(create(ErrorSchema, { code: ErrorCode.UNREACHABLE }), size)).toBe("baseUrl");
    expect(fieldOf(create(ErrorSchema, { code: ErrorCode.PROVIDER }), size)).toBe("");
  });
  test("words alone blame nothing", () => {
    expect(blamed(new ConnectError("the base URL and the key are wrong", Code.InvalidArgument), words, about)).toEqual({ field: "", words });
  });
});
