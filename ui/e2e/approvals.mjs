// Lets a model call tools in the workspace DIR, which is not trusted: answers what it asks, looks at what it changed and
// puts it back.
import { inBrowser, link, until } from "./browser.mjs";

const { DIR } = process.env;
const plan = (state) => `tool update_plan {"steps":[{"text":"Change it","state":"${state}"}]}`;
const run = (command) => `tool run_shell {"command":${JSON.stringify(command)},"directory":null,"timeout_seconds":null}`;
const edit = (path, from, to) => `tool edit_file {"path":"${path}","old_text":"${from}","new_text":"${to}","replace_all":null}`;
const script = (...turns) => turns.join("\nthen\n");

await inBrowser(async ({ page, shot }) => {
  const message = page.getByRole("textbox", { name: "Message" });
  const asks = page.locator("[data-asks]");
  const waiting = page.locator("article[data-kind=approval]");
  const tools = page.locator("article[data-kind=tool]");
  const idle = () => page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached", timeout: 60_000 });
  const send = async (text) => {
    await message.fill(text);
    await message.press("Enter");
    await until("the message to be taken", async () => (await message.inputValue()) === "");
  };
  // Half a second has to pass before an answer counts, however loaded the machine is.
  const answer = async (press) => {
    const before = await waiting.count();
    await until("the answer to count", async () => {
      if ((await waiting.count()) < before) return true;
      await press();
      await page.waitForTimeout(150);
      return (await waiting.count()) < before;
    });
  };

  await page.goto(`${link}&session=new`);
  await message.waitFor();
  await page.keyboard.press("Alt+m");
  await page.getByRole("combobox", { name: "Search models" }).fill("scripted");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^Workspace:/ }).click();
  await page.getByRole("menuitemradio", { name: new RegExp(`^${DIR.split("/").pop()}`) }).click();

  await send(script(plan("active"), [run("touch greet"), run("touch farewell"), run("touch \u202e greet")].join("\n"), plan("done"), "say It is done."));
  await until("two questions", async () => (await waiting.count()) === 2);
  await page.getByText("May this command run?").first().waitFor();
  await until("the focus on Deny", () => page.evaluate(() => document.activeElement?.textContent === "Deny"));
  await until("one question to be open", async () => (await asks.count()) === 1);
  await asks.getByRole("button", { name: "Always allow…" }).click({ trial: true });
  await shot("asks");
  await until("what a rule would cover", async () => {
    await asks.getByRole("button", { name: "Always allow…" }).click().catch(() => undefined);
    return asks.getByText("begins with touch greet").isVisible();
  });
  await shot("always");
  await answer(() => asks.getByRole("button", { name: "Always allow", exact: true }).click({ timeout: 2000 }).catch(() => undefined));
  console.log("allowed always, after seeing what that means");

  await asks.getByText("touch farewell").waitFor();
  await until("the word to the model", async () => {
    await asks.getByRole("button", { name: "Deny and say why…" }).click({ timeout: 2000 }).catch(() => undefined);
    return page.getByRole("textbox", { name: "A word to the model" }).isVisible();
  });
  await page.getByRole("textbox", { name: "A word to the model" }).fill("Not today.");
  await answer(() => page.keyboard.press("Enter"));
  await idle();
  await page.locator("article[data-kind=question]", { hasText: "Not today." }).waitFor();
  await tools.filter({ hasText: "touch greet" }).getByText("exit 0").waitFor();
  await tools.filter({ hasText: "touch farewell" }).getByText("denied", { exact: true }).waitFor();
  await tools.filter({ hasText: "\\u202e" }).getByText(/^(denied|not carried out)$/).waitFor();
  await shot("decided");
  console.log("denied with a word, and what can't be seen was spelled out");

  await send(script(plan("active"), run("touch greet"), edit("notes.txt", "two", "2"), plan("done"), "say It is done again."));
  await asks.getByText("May this file be changed?").waitFor();
  await asks.locator(".diff [data-sign='+']", { hasText: "2" }).waitFor();
  await answer(() => asks.getByRole("button", { name: "Allow once" }).click({ timeout: 2000 }).catch(() => undefined));
  await idle();
  const report = page.locator("article[data-kind=report]").last();
  await report.getByText("notes.txt").waitFor();
  await shot("report");
  await report.getByRole("button", { name: "Undo edits" }).click();
  await report.getByText("1 file was put back.").waitFor();
  console.log("a rule held, an edit was shown, reported and undone");

  await page.keyboard.press("Control+,");
  await page.getByRole("tab", { name: "Workspaces" }).click();
  await page.getByTestId("workspace").getByRole("button", { name: "Show", exact: true }).click();
  const rule = page.getByTestId("rule").filter({ hasText: "touch greet" });
  await rule.getByRole("button", { name: /^Revoke/ }).click();
  await rule.waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  console.log("the rule was revoked");

  await send(script(plan("active"), run("touch greet"), plan("done"), "say Never."));
  await asks.first().waitFor();
  await page.keyboard.press("Alt+n");
  await page.getByRole("button", { name: "Look" }).click();
  await asks.first().waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await idle();
  await page.locator("article[data-kind=question]", { hasText: "the run was stopped" }).waitFor();
  console.log("asked from another chat, void when stopped");
});
