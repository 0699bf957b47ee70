// Use the page of `tinynet serve` in Chromium by keyboard, with answers of a file.
//
//   node predict.mjs PAGE ANSWERS     PAGE is a file; ANSWERS a JSON list of answers of /predict
//
// Every form is sent once for each answer, with the key Enter on its button. Prints a JSON list: for
// each form and answer the shown text, the colors of its maps, what lost the keyboard's focus, and
// the findings of axe-core after all forms have an answer. Exits with 3 as look.mjs does.
import { readFileSync } from "node:fs";
import { prepare } from "./browser.mjs";

const ADDRESS = "http://serve.example/";
const [file, answers] = process.argv.slice(2);
const { axe, launch } = prepare();
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 400, height: 900 }, bypassCSP: true });
const page = await context.newPage();
const errors = [];
page.on("pageerror", error => errors.push(error.message));
let next = null;
await page.route("**/*", route => {
  const isPage = route.request().url() === ADDRESS;
  const body = isPage ? readFileSync(file, "utf8") : JSON.stringify(next);
  return route.fulfill({ body, contentType: isPage ? "text/html" : "application/json" });
});
await page.goto(ADDRESS);
await page.addScriptTag({ content: axe });

// Return the number of colors of each map, from its pixels.
const colors = form => form.locator("canvas").evaluateAll(maps => maps.map(map => {
  const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
  const pixels = new Uint32Array(data.buffer);
  return { width: map.width, height: map.height, colors: new Set(pixels).size, shown: map.clientWidth };
}));

const found = [];
for (next of JSON.parse(readFileSync(answers, "utf8"))) {
  const forms = [];
  for (const form of await page.locator("form[data-send]").all()) {
    const button = form.locator("button");
    await button.focus();
    const answered = page.waitForResponse("**/predict*");
    await page.keyboard.press("Enter");
    await answered;
    await form.locator(".answer:not([aria-busy]) > *").first().waitFor();
    forms.push({
      text: await form.locator(".answer").innerText(),
      maps: await colors(form),
      hasFocus: await button.evaluate(node => node === document.activeElement),
    });
  }
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const full = await page.evaluate(() => document.documentElement.scrollWidth);
  found.push({ forms, axe: violations.map(({ id }) => id), wide: full > 400 ? full : null });
}
await browser.close();
console.log(JSON.stringify({ errors, found }));
