// Measures the page: opening the chat LARGE and the chat SMALL, a reload in the large one, scrolling back in it, and the
// frames while an answer of 80 kB is written. Prints one line "name value" a figure.
import { inBrowser, link, until } from "./browser.mjs";

const { LARGE, SMALL } = process.env;
const ROUNDS = 7;

const at = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
const say = (name, value) => console.log(name, value.toFixed(1));

// shown is a function for the page: when the newest answer has been painted, in ms since the navigation.
const shown = () =>
  new Promise((done) => {
    const look = () => {
      const last = [...document.querySelectorAll("article[data-kind=text]")].pop();
      if (!last || last.textContent.length < 20) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => done(performance.now());
        after.port2.postMessage(0);
      });
    };
    look();
  });

await inBrowser(async ({ page }) => {
  await page.addInitScript(`window.shown = ${shown}; window.loaded = window.shown();`);
  await page.goto(`${link}&session=new`);
  const message = page.getByRole("textbox", { name: "Message" });
  await message.waitFor();
  // What the page prepares for later is done by then.
  await page.waitForTimeout(2000);

  const open = async (id) => {
    const took = await page.evaluate(async (id) => {
      const from = performance.now();
      location.hash = `#session=${id}`;
      await new Promise(requestAnimationFrame);
      return (await window.shown()) - from;
    }, id);
    await page.waitForTimeout(200);
    await page.evaluate(() => (location.hash = "#session=new"));
    await page.locator(".welcome").waitFor();
    return took;
  };
  const large = [];
  const small = [];
  for (let i = 0; i < ROUNDS; i++) {
    large.push(await open(LARGE));
    small.push(await open(SMALL));
  }
  say("open-ms", at(large, 0.5));
  say("open/small", at(large, 0.5) / at(small, 0.5));

  await page.evaluate((id) => (location.hash = `#session=${id}`), LARGE);
  await page.evaluate(() => window.shown());
  const loads = [];
  for (let i = 0; i < ROUNDS; i++) {
    await page.reload();
    loads.push(await page.evaluate(() => window.loaded));
    await page.waitForTimeout(200);
  }
  say("load-ms", at(loads, 0.5));

  await page.waitForTimeout(2000);
  const frames = (what) => page.evaluate(`(async () => {
    const took = [];
    let last = performance.now();
    const step = ${what};
    while (step(took.length)) {
      const now = await new Promise((next) => requestAnimationFrame(() => next(performance.now())));
      took.push(now - last);
      last = now;
    }
    return took;
  })()`);
  const back = await frames(`(n) => { document.querySelector(".feed").scrollTop -= 400; return n < 240; }`);
  say("scroll-p95-ms", at(back, 0.95));
  say("scroll-max-ms", Math.max(...back));

  await page.evaluate((id) => (location.hash = `#session=${id}`), SMALL);
  await until("the small chat", () => page.evaluate((id) => location.hash.endsWith(id), SMALL));
  await message.fill("markdown 80 2");
  await message.press("Enter");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  const stream = await frames(`() => document.querySelector("[data-stop]") !== null`);
  say("stream-p95-ms", at(stream, 0.95));
  say("stream-max-ms", Math.max(...stream));
});
