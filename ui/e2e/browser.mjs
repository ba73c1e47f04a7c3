// A real browser for the scripts here, which the Go tests in e2e/ call with a one-time link in LINK. A script prints one
// line per thing it saw and exits with 1 at the first it did not.
import { chromium } from "playwright-core";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const { LINK, SHOTS, OPENVIBEZ, HOME_DIR, CHROMIUM = "/usr/bin/chromium" } = process.env;

export const link = LINK;

// inBrowser runs `script` with the browser and a page of it; what the page complains about is an error too, but for as
// many requests as the host is to refuse.
export async function inBrowser(script, { refused = 0 } = {}) {
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
    const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, acceptDownloads: true });
    const page = await context.newPage();
    page.on("pageerror", (e) => problems.push(`page error: ${e.message}`));
    page.on("console", (m) => {
      if (m.type() !== "error") return;
      if (/status of 4\d\d/.test(m.text()) && refused-- > 0) return;
      problems.push(`console: ${m.text()}`);
    });
    page.on("request", (r) => {
      if (!r.url().startsWith(new URL(LINK).origin) && !/^(data|blob):/.test(r.url())) problems.push(`request to ${r.url()}`);
    });
    if (SHOTS) mkdirSync(SHOTS, { recursive: true });
    const shot = async (name) => SHOTS && page.screenshot({ path: `${SHOTS}/${name}.png` });
    await script({ browser, page, shot });
  } finally {
    await browser.close();
  }
  if (problems.length) {
    console.error(problems.join("\n"));
    process.exit(1);
  }
}

// until waits for something to become true, and says what it waited for if it does not.
export async function until(what, is) {
  const end = Date.now() + 30_000;
  for (;;) {
    const now = await is();
    if (now) return now;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// terminal does what a person would type.
export const terminal = (...args) => execFileSync(OPENVIBEZ, args, { env: { ...process.env, OPENVIBEZ_HOME: HOME_DIR } });

// allowed sees that the page asks for a confirmation elsewhere, and gives it in a terminal.
export async function allowed(page, about, shot) {
  const asked = page.getByRole("dialog", { name: "Confirm this outside of the page" });
  await asked.getByText(about).first().waitFor();
  await shot?.();
  terminal("approval", "allow", "last");
  await asked.waitFor({ state: "detached" });
}
