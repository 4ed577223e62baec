// Every page, in both languages, at both widths.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { LANGUAGES, newestJourney, openBrowser, openPage } from "./browser.mjs";
import { startHub } from "./hub.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const WIDTHS = [1280, 320];
const SHOTS = process.env.CAUSEWAY_SHOTS;

/** The pages by name; the journey's path is known once there is a message. */
const PAGES = {
  overview: "/ops",
  held: "/ops/held",
  messages: "/ops/messages",
  codes: "/ops/codes",
  conflicts: "/ops/conflicts",
  filtered: "/ops/messages?state=held&feed=&reason=",
  journey: null,
  error: "/ops/there-is-no-such-page",
};

let hub;
let browser;
before(async () => ([hub, browser] = await Promise.all([startHub(), openBrowser()])));
after(async () => Promise.all([browser?.close(), hub?.stop()]));

async function address(name, language) {
  return PAGES[name] === null ? newestJourney(hub, language) : `/${language}${PAGES[name]}`;
}

for (const width of WIDTHS) {
  for (const language of LANGUAGES) {
    describe(`${language} at ${width} px`, () => {
      let opened;
      before(async () => (opened = await openPage(browser, { viewport: { width, height: 800 } })));
      after(() => opened?.close());
      for (const name of Object.keys(PAGES)) test(name, () => look(opened, name, language, width));
    });
  }
}

/** What holds for every page. */
async function look({ page, faults }, name, language, width) {
  faults.length = 0;
  await page.emulateMedia({ colorScheme: "light" });
  const answer = await page.goto(hub.origin + (await address(name, language)));
  assert.equal(answer.status(), name === "error" ? 404 : 200);
  await page.evaluate(AXE);
  const found = await check(page, { type: "tag", values: RULES });
  assert.deepEqual(found.violations.map(told), [], "axe finds nothing");
  assert.ok(found.passes.length > 10, "axe looked");
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(beyond <= 0, `the page is ${beyond} px wider than the window`);
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("html").getAttribute("lang"), { en: "en-HK", "zh-hant": "zh-Hant-HK" }[language]);
  if (SHOTS) await shoot(page, `${name}-${language}-${width}.png`);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await check(page, { type: "rule", values: ["color-contrast"] });
  assert.deepEqual(dark.violations.map(told), [], "dark colours are told apart");
  if (SHOTS) await shoot(page, `${name}-${language}-${width}-dark.png`);
  const expected = name === "error" ? /status of 404/ : /^$/;
  assert.deepEqual(faults.filter((fault) => !expected.test(fault)), [], "the console is quiet");
}

async function check(page, runOnly) {
  return page.evaluate((only) => axe.run({ runOnly: only }), runOnly);
}

test("the language switch keeps the page and its filter", async () => {
  const { page, faults, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/ops/messages?state=accepted&feed=&reason=`);
  await page.getByRole("link", { name: "繁體中文" }).click();
  assert.equal(new URL(page.url()).pathname, "/zh-hant/ops/messages");
  assert.equal(await page.locator("select[name=state]").inputValue(), "accepted");
  assert.deepEqual(faults, []);
  await close();
});

test("a browser that asks for Chinese is led to the Chinese page", async () => {
  const { page, close } = await openPage(browser, { locale: "zh-HK" });
  await page.goto(`${hub.origin}/ops`);
  assert.equal(new URL(page.url()).pathname, "/zh-hant/ops");
  await close();
});

test("on paper there is no navigation and no button", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/ops`);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator("h1").isVisible());
  for (const part of ["nav.places", "nav.languages", ".tools"]) assert.ok(!(await page.locator(part).isVisible()), part);
  await close();
});

function told(violation) {
  const places = violation.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary}`);
  return `${violation.id}: ${places.join(" | ")}`;
}

async function shoot(page, name) {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, name), fullPage: true });
}
