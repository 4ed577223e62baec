// The keyboard alone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LANGUAGES, newestJourney, openBrowser, openPage } from "./browser.mjs";
import { startHub } from "./hub.mjs";

let hub;
let browser;
before(async () => ([hub, browser] = await Promise.all([startHub(), openBrowser()])));
after(async () => Promise.all([browser?.close(), hub?.stop()]));

const CONTROLS = "a[href], button, select, input, textarea, [tabindex='0']";

for (const language of LANGUAGES) {
  describe(language, () => {
    for (const name of ["/ops", "/ops/held", "/ops/messages", "/ops/codes", "/ops/conflicts", "journey"]) {
      test(`every control of ${name} is reached by Tab, with a visible focus`, async () => {
        const { page, close } = await openPage(browser);
        await page.goto(hub.origin + (name === "journey" ? await newestJourney(hub, language) : `/${language}${name}`));
        await holdStill(page);
        const wanted = await page.evaluate((controls) => {
          const shown = [...document.querySelectorAll(controls)].filter((control) => control.checkVisibility());
          shown.forEach((control, index) => control.setAttribute("data-control", index));
          return shown.length;
        }, CONTROLS);
        assert.ok(wanted > 5, "there are controls");
        const order = [];
        for (let presses = 0; presses < wanted; presses += 1) {
          await page.keyboard.press("Tab");
          order.push(await page.evaluate(focused));
        }
        assert.deepEqual(order.map((one) => one.control), Array.from({ length: wanted }, (_, index) => `${index}`));
        for (const one of order) assert.ok(one.outline >= 2 && one.inside, `control ${one.control} shows its focus`);
        await close();
      });
    }

    test("the first Tab skips to the content", async () => {
      const { page, close } = await openPage(browser);
      await page.goto(`${hub.origin}/${language}/ops`);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement.id), "main");
      await close();
    });

    test("the list is filtered and a journey opened without a mouse", async () => {
      const { page, faults, close } = await openPage(browser);
      await page.goto(`${hub.origin}/${language}/ops/messages`);
      await tabTo(page, "select[name=state]");
      await page.keyboard.press("ArrowDown");
      await tabTo(page, "form button");
      await page.keyboard.press("Enter");
      await page.waitForURL(/state=accepted/);
      await tabTo(page, "tbody a");
      await page.keyboard.press("Enter");
      await page.waitForURL(/messages\/[0-9a-f-]{36}$/);
      assert.deepEqual(faults, []);
      await close();
    });
  });
}

/** Updates would add and remove controls while they are counted. */
async function holdStill(page) {
  const button = page.locator("[data-live-button]");
  if (await button.count()) {
    await button.focus();
    await page.keyboard.press("Enter");
    await page.evaluate(() => document.activeElement.blur());
    await page.evaluate(() => window.getSelection().removeAllRanges());
    await page.evaluate(() => document.body.setAttribute("tabindex", "-1"));
    await page.evaluate(() => document.body.focus());
  }
}

/** Presses Tab until an element has the focus. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 200; presses += 1) {
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} is not reached by Tab`);
}

/** What has the focus, and whether one sees it. Runs in the page. */
function focused() {
  const element = document.activeElement;
  const box = element.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < window.innerHeight && box.right > 0 && box.left < window.innerWidth;
  const style = getComputedStyle(element);
  const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  return { control: element.getAttribute("data-control"), outline, inside };
}
