// Queues, repeats, edits and branches; finds, archives, deletes and brings back; takes a chat out and in again.
import { inBrowser, link, until } from "./browser.mjs";

await inBrowser(async ({ page, shot }) => {
  const message = page.getByRole("textbox", { name: "Message" });
  const stop = page.getByRole("button", { name: "Stop" });
  const queued = page.getByTestId("queued");
  const chats = page.getByRole("list", { name: "Chats" }).locator(".session");
  const questions = page.locator("article[data-kind=user] .bubble");
  const send = async (text) => {
    await message.fill(text);
    await message.press("Enter");
    await until(`“${text}” to be taken`, async () => (await message.inputValue()) === "");
  };
  const done = () => stop.waitFor({ state: "detached", timeout: 60_000 });
  const choose = async (name) => {
    await page.getByRole("button", { name: "What to do with this chat" }).click();
    await page.getByRole("menuitem", { name, exact: true }).click();
  };

  await page.goto(`${link}&session=new`);
  await message.waitFor();
  await send(`a walrus, and ${"many more words ".repeat(600)}`);
  await stop.waitFor();
  await send("second");
  await send("third");
  await until("two messages to wait", async () => (await queued.count()) === 2);
  await shot("queue");
  await page.getByRole("button", { name: "Move “third” up" }).click();
  await until("third to be the first to wait", async () => (await queued.first().innerText()).startsWith("third"));
  await page.getByRole("button", { name: "Remove “second”" }).click();
  await until("one message to wait", async () => (await queued.count()) === 1);
  await page.locator("article[data-kind=taken-back]", { hasText: "Not sent: second" }).waitFor();
  await page.getByRole("button", { name: "Edit “third”" }).click();
  await page.getByRole("textbox", { name: "Edit the waiting message" }).fill("third in other words");
  await page.keyboard.press("Enter");
  await queued.getByText("third in other words").waitFor();
  await stop.click();
  await until("the queue to be empty", async () => (await queued.count()) === 0);
  await page.locator("article[data-kind=text]", { hasText: "third in other words" }).waitFor();
  await done();
  console.log("queued, moved, removed, edited");

  await page.getByRole("button", { name: "Answer again" }).last().click();
  await page.getByRole("menuitem", { name: /^Answer again/ }).click();
  const pager = page.locator(".pager");
  await until("a second version", async () => (await pager.count()) === 1 && (await pager.innerText()).includes("2 / 2"));
  await done();
  await page.getByRole("button", { name: "Earlier version" }).click();
  await until("the first version", async () => (await pager.innerText()).includes("1 / 2"));
  await page.getByRole("button", { name: "Later version" }).click();
  await until("the second version", async () => (await pager.innerText()).includes("2 / 2"));
  await shot("versions");
  console.log("answered again, and paged");

  await page.getByRole("button", { name: "Edit and send again" }).last().click({ force: true });
  await page.getByRole("textbox", { name: "Edit the message" }).fill("an otter instead");
  await page.keyboard.press("Enter");
  await page.locator("article[data-kind=text]", { hasText: "an otter instead" }).waitFor();
  await stop.click();
  await page.locator("section.turn").last().getByText("Stopped.").waitFor();
  await until("the edited message as third version", async () => (await pager.innerText()).includes("3 / 3"));
  await page.getByRole("button", { name: "Continue" }).last().click();
  await until("the answer to go on", async () => (await page.locator("section.turn").last().locator("article[data-kind=text]").innerText()).length > 200);
  await done();
  console.log("edited, stopped, continued");

  await choose("Duplicate");
  await until("two chats", async () => (await chats.count()) === 2);
  await until("the copy to be shown", async () => (await page.locator(".top-title").innerText()).includes("copy"));
  await until("the messages of the copy", async () => (await questions.count()) >= 2);
  await choose("Archive");
  await until("one chat", async () => (await chats.count()) === 1);
  await page.keyboard.press("Control+z");
  await until("two chats again", async () => (await chats.count()) === 2);
  await chats.first().locator("a").click();
  await choose("Delete");
  await until("one chat", async () => (await chats.count()) === 1);
  await page.getByRole("button", { name: "Undo" }).click();
  await until("two chats again", async () => (await chats.count()) === 2);
  console.log("copied, archived, deleted, brought back");

  await page.keyboard.press("Control+,");
  await page.getByRole("tab", { name: "Usage" }).click();
  await page.getByRole("row", { name: /^demo/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  console.log("summed up");

  await page.keyboard.press("Control+k");
  await page.keyboard.type("walr*");
  const hit = page.locator(".hit mark", { hasText: "walrus" });
  await hit.first().waitFor();
  await shot("search");
  await hit.last().click();
  await page.locator("[data-sought]", { hasText: "walrus" }).waitFor();
  await page.getByRole("button", { name: "Clear the search" }).click();
  console.log("found, and shown in its place");

  const download = page.waitForEvent("download");
  await choose("Export as JSON Lines");
  const file = await (await download).path();
  await choose("Delete");
  await until("one chat", async () => (await chats.count()) === 1);
  await page.getByTestId("import").setInputFiles({ name: "chat.jsonl", mimeType: "application/jsonl", buffer: (await import("node:fs")).readFileSync(file) });
  await page.locator("article[data-kind=user]", { hasText: "walrus" }).waitFor();
  console.log("exported and imported");
});
