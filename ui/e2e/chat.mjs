// Holds a conversation.
import { inBrowser, link, until } from "./browser.mjs";

await inBrowser(async ({ browser, page, shot }) => {
  await page.goto(`${link}&session=new`);
  const message = page.getByRole("textbox", { name: "Message" });
  await message.waitFor();
  if (page.url().includes("token")) throw new Error("the token stays in the address");
  await shot("empty");
  console.log("opened by the link");

  await message.fill("hello from the browser");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("article[data-kind=user]", { hasText: "hello from the browser" }).waitFor();
  await page.locator("article[data-kind=text]").first().waitFor();
  const stop = page.getByRole("button", { name: "Stop" });
  await stop.waitFor();
  await stop.waitFor({ state: "detached", timeout: 30000 });
  const answer = await page.locator("article[data-kind=text]").innerText();
  if (!answer.includes("hello from the browser")) throw new Error(`the demo did not answer: ${answer}`);
  await until("the composer to let go of what was sent", async () => (await message.inputValue()) === "");
  await shot("answered");
  console.log("sent and answered");

  await page.reload();
  await page.locator("article[data-kind=user]", { hasText: "hello from the browser" }).waitFor();
  await until("the same answer after a reload", async () => (await page.locator("article[data-kind=text]").innerText()) === answer);
  console.log("the same after a reload");

  await page.emulateMedia({ colorScheme: "dark" });
  await shot("dark");
  await page.setViewportSize({ width: 390, height: 760 });
  await shot("narrow");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) throw new Error(`a narrow window scrolls sideways by ${overflow} px`);
  console.log("fits a narrow window");

  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(link);
  await stranger.getByText("openvibez open").first().waitFor();
  console.log("the link works once");
});
