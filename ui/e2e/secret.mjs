// Connects the scripted provider to UPSTREAM with a setting that is a secret; the page never gets it back.
import { allowed, inBrowser, link, until } from "./browser.mjs";

const { UPSTREAM } = process.env;
const secret = "account-of-a-test";

await inBrowser(async ({ page, shot }) => {
  const seen = [];
  page.on("response", (r) => r.text().then((text) => seen.push(text), () => {}));
  await page.goto(`${link}&session=new`);
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await page.keyboard.press("Control+,");
  await page.getByRole("tab", { name: "Providers" }).click();
  await page.getByRole("button", { name: "Add provider" }).click();
  await page.getByRole("combobox", { name: "Kind" }).selectOption({ label: "Scripted" });
  await page.getByRole("textbox", { name: "Address" }).fill(UPSTREAM);
  const account = page.getByLabel("Account token");
  if ((await account.getAttribute("type")) !== "password") throw new Error("what is typed is shown");
  await account.fill(secret);
  await page.getByText("It goes to the keychain and to nothing else; no plugin sees it.").waitFor();
  await shot("secret-add");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await allowed(page, new URL(UPSTREAM).origin);
  const row = page.getByRole("listitem").filter({ hasText: "Scripted" });
  await row.getByRole("button", { name: "Edit" }).click();
  console.log("added");

  await page.getByText("One is kept. It stays unless you enter another.").waitFor();
  if ((await account.inputValue()) !== "") throw new Error("the page has it");
  await account.fill("half a word");
  await account.fill("");
  await page.getByLabel("Level").fill("7");
  await shot("secret-edit");
  await page.getByRole("textbox", { name: "Address" }).fill("http://127.0.0.1:9");
  await page.getByText("What is in the keychain was given for").waitFor();
  await shot("secret-moved");
  await page.getByRole("textbox", { name: "Address" }).fill(UPSTREAM);
  await page.getByRole("button", { name: "Save and test" }).click();
  await until("the form to close", async () => (await account.count()) === 0);
  console.log("kept through another change");

  await row.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("button", { name: "Forget it" }).click();
  await page.getByRole("button", { name: "Save and test" }).click();
  await until("the form to close", async () => (await account.count()) === 0);
  await row.getByRole("button", { name: "Edit" }).click();
  await page.getByText("It goes to the keychain and to nothing else; no plugin sees it.").waitFor();
  if (seen.some((text) => text.includes(secret))) throw new Error("the host sent it back");
  console.log("forgotten");
});
