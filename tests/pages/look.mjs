// Look at a page in Chromium: screenshots (light, dark, 400 pixels wide, printed), and what is wrong.
//
//   npm install                       once, in this folder
//   node look.mjs PAGE [FOLDER]       PAGE is a file or a URL; FOLDER gets the screenshots
//
// Prints one JSON object. Each view has the messages of the console, the requests to other places,
// the findings of axe-core, and the width of the page if it is wider than the window.
// Exits with 3 if there is no Chromium, or if the packages are not installed.
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare } from "./browser.mjs";

const VIEWS = {
  light: { width: 1280, colorScheme: "light" },
  dark: { width: 1280, colorScheme: "dark" },
  narrow: { width: 400, colorScheme: "light" },
};

// Collect what a page does wrong while it loads and while a person reads it.
async function look(browser, url, name, folder) {
  const { width, colorScheme } = VIEWS[name];
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const found = { console: [], requests: [], axe: [], wide: null };
  page.on("console", message => found.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", error => found.console.push(error.message));
  page.on("request", request => {
    const other = new URL(request.url());
    const own = other.protocol === "file:" ? other.href === url : other.origin === new URL(url).origin;
    if (!own && !["data:", "blob:"].includes(other.protocol)) found.requests.push(other.href);
  });
  await page.goto(url);
  if (folder) {
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    if (name === "light") await page.pdf({ path: join(folder, "print.pdf"), format: "A4" });
  }
  const full = await page.evaluate(() => document.documentElement.scrollWidth);
  if (full > width) found.wide = full;
  if (name === "light") found.keyboard = await keyboard(page);
  await context.close();
  return found;
}

// Use the first chart and the first table that sorts, as a person without a pointer does.
async function keyboard(page) {
  const found = { tooltip: null, sorted: null };
  const chart = page.locator("svg[data-points]").first();
  if (await chart.count()) {
    await chart.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    found.tooltip = await page.locator(".tooltip").evaluate(tip => tip.hidden ? "" : tip.innerText);
  }
  const table = page.locator("table[data-sortable]:visible").first();
  if (await table.count()) {
    await table.locator("thead button").first().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    found.sorted = await table.locator("tbody").first().locator("tr > :first-child").allInnerTexts();
  }
  return found;
}

// The page's security policy keeps axe-core out, so it looks at a second copy without the policy.
async function accessibility(browser, url, name, axe) {
  const { width, colorScheme } = VIEWS[name];
  const viewport = { width, height: 900 };
  const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  await page.goto(url);
  await page.evaluate(() => document.querySelectorAll("details").forEach(part => { part.open = true; }));
  await page.addScriptTag({ content: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  await context.close();
  return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, html: nodes[0].html.slice(0, 200) }));
}

const [target, folder] = process.argv.slice(2);
const { axe, launch } = prepare();
if (!target) {
  console.error("usage: node look.mjs PAGE [FOLDER]");
  process.exit(2);
}
const browser = await launch();
const url = existsSync(target) ? pathToFileURL(resolve(target)).href : target;
if (folder) mkdirSync(folder, { recursive: true });
const views = {};
for (const name of Object.keys(VIEWS)) {
  views[name] = await look(browser, url, name, folder);
  views[name].axe = await accessibility(browser, url, name, axe);
}
await browser.close();
console.log(JSON.stringify(views, null, 1));
