// Adds a workspace, grants and revokes there, and gives a chat root access in it. DIR is trusted, NEW is to be added.
import { allowed, inBrowser, link, terminal, until } from "./browser.mjs";

const { DIR, NEW } = process.env;
const name = (path) => path.split("/").pop();

await inBrowser(async ({ page, shot }) => {
  const message = page.getByRole("textbox", { name: "Message" });
  const rules = page.getByTestId("rule");
  await page.goto(`${link}&session=new`);
  await message.waitFor();
  await page.keyboard.press("Control+,");
  await page.getByRole("tab", { name: "Providers" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("textbox", { name: "Add a folder" }).fill(NEW);
  await page.keyboard.press("Enter");
  await allowed(page, NEW, () => shot("ask-elsewhere"));
  const row = page.getByTestId("workspace").filter({ hasText: NEW });
  await row.getByText("Not trusted").first().waitFor();
  console.log("added, not trusted");

  await row.getByRole("button", { name: "Show", exact: true }).click();
  await row.getByRole("button", { name: "Allow the package registries" }).click();
  await allowed(page, "registry.npmjs.org");
  await row.getByRole("button", { name: /^Show all/ }).click();
  const npm = rules.filter({ hasText: "registry.npmjs.org" });
  await npm.waitFor();
  await shot("workspaces");
  await npm.getByRole("button", { name: /^Revoke/ }).click();
  await npm.waitFor({ state: "detached" });
  console.log("granted and revoked");

  await page.getByRole("tab", { name: "Plugins" }).click();
  await page.getByTestId("plugin").filter({ hasText: "Demo" }).getByRole("button", { name: "Details" }).click();
  await page.getByText("Cannot read files").waitFor();
  await page.keyboard.press("Escape");
  console.log("plugins told");

  const access = page.getByRole("button", { name: /^Access:/ });
  await page.getByRole("button", { name: /^Workspace:/ }).click();
  await page.getByRole("menuitemradio", { name: new RegExp(`^${name(NEW)}`) }).click();
  await access.click();
  if (await page.getByRole("menuitemradio", { name: /^Root/ }).isEnabled()) throw new Error("root access is offered where nothing is trusted");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Workspace:/ }).click();
  await page.getByRole("menuitemradio", { name: new RegExp(`^${name(DIR)}`) }).click();
  await access.click();
  if (await page.getByRole("menuitemradio", { name: /^Root/ }).isEnabled()) throw new Error("root access is offered before there is a chat");
  await page.keyboard.press("Escape");
  await message.fill("hello");
  await message.press("Enter");
  await page.locator("article[data-kind=text]").first().waitFor();
  await access.click();
  await page.getByRole("menuitemradio", { name: /^Root/ }).click();
  await page.getByRole("dialog", { name: "Give this chat root access?" }).waitFor();
  await page.getByRole("button", { name: "Stay in the sandbox" }).click();
  await until("no root yet", async () => (await page.locator(".root-mark").count()) === 0);
  await access.click();
  await page.getByRole("menuitemradio", { name: /^Root/ }).click();
  const command = (await page.locator(".type-this").innerText()).trim();
  await shot("ask-root");
  await page.getByRole("button", { name: "Copy the command" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  terminal(...command.split(" ").slice(1));
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("root access to be marked above and below", async () => (await page.locator(".root-mark").count()) === 2);
  await shot("root");
  await page.reload();
  await until("root to be marked after a reload", async () => (await page.locator(".root-mark").count()) === 2);
  console.log("root asked for, given in a terminal, marked");
});
