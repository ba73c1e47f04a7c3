// Installs the unsigned package PACKAGE, updates it with the one in UPDATE, which may do more, goes back and removes it.
import { allowed, inBrowser, link, until } from "./browser.mjs";

const { PACKAGE, UPDATE } = process.env;

await inBrowser(async ({ page, shot }) => {
  await page.goto(`${link}&session=new`);
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  await page.keyboard.press("Control+,");
  await page.getByRole("tab", { name: "Plugins" }).click();
  const file = page.getByTestId("package");
  const row = page.getByTestId("plugin").filter({ hasText: "Acme" });

  await file.setInputFiles({ name: "not-a-package.ovp", mimeType: "application/octet-stream", buffer: Buffer.from("hello") });
  await page.getByText("not-a-package.ovp can't be installed.").waitFor();
  console.log("what is no package is refused in words");

  await file.setInputFiles(PACKAGE);
  await page.getByText("Install Acme 1.0.0?").waitFor();
  await page.getByText("Nobody vouches for it: it can't be told who made it.").waitFor();
  const install = page.getByRole("button", { name: "Install", exact: true });
  if (await install.isEnabled()) throw new Error("an unsigned plugin takes one click");
  await shot("install");
  await page.getByRole("textbox", { name: "Type acme to install it" }).fill("acme");
  await install.click();
  await allowed(page, "Install this plugin?", () => shot("ask-install"));
  await row.getByText("unsigned").waitFor();
  console.log("installed after its name was typed");

  await file.setInputFiles(UPDATE);
  await page.getByText("Update Acme from 1.0.0 to 1.1.0?").waitFor();
  await page.getByRole("region", { name: "What is different from the version you have" }).getByText("more.acme.example").waitFor();
  await shot("update");
  await page.getByRole("textbox", { name: "Type acme to install it" }).fill("acme");
  await page.getByRole("button", { name: "Update", exact: true }).click();
  await allowed(page, "Install this plugin?");
  await row.getByText("1.1.0").waitFor();
  console.log("updated after the difference was shown");

  await row.getByRole("button", { name: "Details" }).click();
  await row.getByRole("button", { name: "Verify" }).click();
  await row.getByText("What is on the disk is what was installed.").waitFor();
  await row.getByRole("button", { name: "Back to 1.0.0" }).click();
  await allowed(page, "Go back to the version");
  await row.getByText("1.0.0", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Disable" }).click();
  await row.getByText("switched off", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Enable again" }).click();
  await allowed(page, "Switch this plugin on?");
  await row.getByRole("button", { name: "Disable" }).waitFor();
  await shot("plugins");
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog", { name: "Remove Acme?" }).getByRole("button", { name: "Remove" }).click();
  await until("it to be gone", async () => (await row.count()) === 0);
  console.log("verified, rolled back, switched off and on, removed");
}, { refused: 1 });
