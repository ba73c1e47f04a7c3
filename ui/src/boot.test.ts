import { expect, test } from "vitest";
import { hashOf, place } from "./boot";

test("the address says which session, and carries a token once", () => {
  expect(place("#token=T&session=abc")).toEqual({ token: "T", session: "abc" });
  expect(place("#session=new")).toEqual({ token: "", session: "new" });
  expect(place("")).toEqual({ token: "", session: "" });
});

test("a session's address leads back to it", () => {
  expect(place(hashOf("a b&c")).session).toBe("a b&c");
  expect(hashOf("")).toBe("#session=new");
});
