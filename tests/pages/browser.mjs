// Chromium and axe-core for the programs of this folder.
//
// Exits with 3 if there is no Chromium, or if the packages are not installed.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

function missing(text) {
  console.error(text);
  process.exit(3);
}

function packages() {
  const require = createRequire(import.meta.url);
  try {
    const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    return { axe, chromium: require("playwright-core").chromium };
  } catch {
    return missing("axe-core or playwright-core is not installed: npm install");
  }
}

function browserPath() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = folders.flatMap(folder => NAMES.map(name => join(folder, name)));
  return paths.find(existsSync) ?? missing("no Chromium is installed");
}

// Return the source of axe-core, and a function that starts a browser, which has to be closed.
export function prepare() {
  const { axe, chromium } = packages(), executablePath = browserPath();
  return { axe, launch: () => chromium.launch({ executablePath, args: FLAGS }) };
}
