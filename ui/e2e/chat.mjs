// Holds a conversation in a real browser. Called by the Go test in e2e/ with the one-time link in LINK; prints one line
// per thing it saw and exits with 1 at the first it did not.
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const { LINK, SHOTS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const problems = [];
try {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 } });
  const page = await context.newPage();
  page.on("pageerror", (e) => problems.push(`page error: ${e.message}`));
  page.on("console", (m) => m.type() === "error" && problems.push(`console: ${m.text()}`));
  page.on("request", (r) => {
    if (!r.url().startsWith(new URL(LINK).origin) && !/^(data|blob):/.test(r.url())) problems.push(`request to ${r.url()}`);
  });
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  const shot = async (name) => SHOTS && page.screenshot({ path: `${SHOTS}/${name}.png` });

  await page.goto(`${LINK}&session=new`);
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
  if ((await message.inputValue()) !== "") throw new Error("the composer keeps the text that was sent");
  await shot("answered");
  console.log("sent and answered");

  await page.reload();
  await page.locator("article[data-kind=user]", { hasText: "hello from the browser" }).waitFor();
  if ((await page.locator("article[data-kind=text]").innerText()) !== answer) throw new Error("after a reload the answer differs");
  console.log("the same after a reload");

  await page.emulateMedia({ colorScheme: "dark" });
  await shot("dark");
  await page.setViewportSize({ width: 390, height: 760 });
  await shot("narrow");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) throw new Error(`a narrow window scrolls sideways by ${overflow} px`);
  console.log("fits a narrow window");

  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(LINK);
  await stranger.getByText("openvibez open").first().waitFor();
  console.log("the link works once");
} finally {
  await browser.close();
}
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
