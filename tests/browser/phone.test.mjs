// The pages of images on a phone of 360 px: nothing beyond the edge, and every control is large enough for a finger.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { LANGUAGES, openBrowser, openPage } from "./browser.mjs";
import { startHub, until } from "./hub.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PATIENCE_MS = 60_000;
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
/** The least height of what fingers are to hit, in px. */
const TARGET = 44;

let hub;
let browser;
let study;
before(async () => {
  [hub, browser] = await Promise.all([startHub(), openBrowser()]);
  study = await until(PATIENCE_MS, "a study of computed tomography", async () => {
    const [found] = await (await fetch(`${hub.origin}/dicomweb/studies?ModalitiesInStudy=CT`)).json();
    return found["00201208"].Value[0] === 16 && found["0020000D"].Value[0];
  });
});
after(async () => Promise.all([browser?.close(), hub?.stop()]));

const ours = (fault) => !fault.includes("net::ERR_ABORTED");
const drawn = (page, number) => page.waitForSelector(`[data-stage].live[data-shown="${number}"]`);

/** Axe needs the scripts of the page to run; the page is the same without. */
async function fits(page, what, scripted = true) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(beyond <= 0, `${what}: the page is ${beyond} px wider than the window`);
  if (scripted) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), RULES);
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html)}`), [], what);
  }
  const small = await page.locator("main :is(.button, button, input, select, summary, .frames a, .series a, th a):visible").evaluateAll(
    (all, least) => {
      const size = (one) => one.getBoundingClientRect();
      return all.filter((one) => size(one).height < least || size(one).right > window.innerWidth).map((one) => one.outerHTML);
    },
    TARGET,
  );
  assert.deepEqual(small, [], `${what}: too small, or beyond the edge`);
}

for (const language of LANGUAGES) {
  describe(language, () => {
    for (const javaScriptEnabled of [true, false]) {
      test(`the list and a study fit, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async () => {
        const { page, faults, close } = await openPage(browser, { ...PHONE, javaScriptEnabled });
        for (const place of ["studies", `studies/${study}`]) {
          await page.goto(`${hub.origin}/${language}/${place}`);
          if (place !== "studies") {
            if (javaScriptEnabled) await drawn(page, 1);
            await page.locator("details > summary").tap();
          }
          await fits(page, place, javaScriptEnabled);
        }
        assert.deepEqual(faults.filter(ours), []);
        await close();
      });
    }
  });
}
