// The pages of images: accessible, complete without JavaScript, and a viewer with it, by mouse and by keys.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { LANGUAGES, openBrowser, openPage } from "./browser.mjs";
import { startHub, until } from "./hub.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PATIENCE_MS = 60_000;

let hub;
let browser;
let studies;
before(async () => {
  [hub, browser] = await Promise.all([startHub(), openBrowser()]);
  studies = await until(PATIENCE_MS, "a study of each kind", async () => {
    const all = await (await fetch(`${hub.origin}/dicomweb/studies`)).json();
    const uid = (kind) => all.find((study) => study["00080061"].Value[0] === kind)?.["0020000D"].Value[0];
    const found = Object.fromEntries(["CT", "MR", "CR", "US"].map((kind) => [kind, uid(kind)]));
    const images = all.find((study) => study["0020000D"].Value[0] === found.CT)?.["00201208"].Value[0];
    return Object.values(found).every(Boolean) && images === 16 ? found : null;
  });
});
after(async () => Promise.all([browser?.close(), hub?.stop()]));

/** What a page had not loaded when it was left is no fault. */
const ours = (fault) => !fault.includes("net::ERR_ABORTED");
const drawn = (page, number) => page.waitForSelector(`[data-stage].live[data-shown="${number}"]`);
/** The shade of the picture at a place from 0 to 1. Runs in the page. */
const shadeAt = ([x, y]) => {
  const canvas = document.querySelector("[data-stage] canvas");
  const place = [Math.floor(canvas.width * x), Math.floor(canvas.height * y), 1, 1];
  return canvas.getContext("2d").getImageData(...place).data[0];
};

for (const language of LANGUAGES) {
  describe(language, () => {
    for (const name of ["list", "CT", "CR"]) {
      test(`the page of ${name} has no fault of accessibility, and no error`, async () => {
        const { page, faults, close } = await openPage(browser);
        await page.goto(`${hub.origin}/${language}/studies${name === "list" ? "" : `/${studies[name]}`}`);
        if (name !== "list") await drawn(page, 1);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), RULES);
        assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html)}`), []);
        assert.deepEqual(faults.filter(ours), []);
        await close();
      });
    }

    test("a study is read without JavaScript: picture by picture, in every window", async () => {
      const { page, faults, close } = await openPage(browser, { javaScriptEnabled: false });
      await page.goto(`${hub.origin}/${language}/studies`);
      await page.locator(`a[href$="${studies.CT}"]`).click();
      const picture = () => page.locator("[data-picture]").getAttribute("src");
      assert.match(await picture(), /instances\/.*\.1\/frames\/1\/rendered$/);
      const loads = async () => assert.equal((await page.request.get(hub.origin + (await picture()))).status(), 200);
      await loads();
      await page.locator("[rel=next]").click();
      assert.match(await picture(), /\.2\/frames\/1\/rendered$/);
      await page.locator('[data-window="-600,1500"]').click();
      assert.match(await picture(), /\.2\/frames\/1\/rendered\?window=-600,1500,linear$/);
      await loads();
      assert.equal(await page.locator("button:visible").count(), 0, "what only the script can do is not offered");
      assert.deepEqual(faults.filter(ours), []);
      await close();
    });

    test("studies are searched with keys alone and without JavaScript, and no number is in an address", async () => {
      const { page, faults, close } = await openPage(browser, { javaScriptEnabled: false });
      await page.goto(`${hub.origin}/${language}/studies`);
      const entered = () => Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
      const id = (await page.locator("tbody tr").first().locator("td").nth(3).textContent()).trim();
      await page.locator("#patient_id").focus();
      await page.keyboard.type(id);
      await entered();
      const cells = (nth) => page.locator(`tbody tr td:nth-child(${nth})`).allTextContents();
      assert.deepEqual([...new Set((await cells(5)).map((text) => text.trim()))], [id]);
      assert.ok(!page.url().includes(id), page.url());
      await Promise.all([page.waitForEvent("load"), page.locator("form a.quiet").click()]);
      await page.locator("#modality").fill("ct");
      await entered();
      const modalities = await cells(3);
      assert.ok(modalities.length > 0 && modalities.every((text) => text.includes("CT")), `${modalities}`);
      await page.locator("#accession").fill("no such number");
      await entered();
      assert.equal(await page.locator("tbody tr").count(), 0);
      assert.deepEqual(faults.filter(ours), []);
      await close();
    });

    test("with keys alone one scrolls, changes the window, zooms and measures", async () => {
      const { page, faults, close } = await openPage(browser);
      await page.goto(`${hub.origin}/${language}/studies/${studies.CT}`);
      await drawn(page, 1);
      await page.locator("[data-stage]").focus();
      for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) await page.keyboard.press(key);
      await drawn(page, 2);
      await page.keyboard.press("End");
      await drawn(page, 16);
      const window = () => page.locator("[data-window][aria-current]").count();
      assert.equal(await window(), 1);
      await page.keyboard.press("ArrowLeft");
      assert.equal(await window(), 0, "brightness changed");
      await page.keyboard.press("m");
      await page.keyboard.press("Enter");
      for (let presses = 0; presses < 16; presses += 1) await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      // Sixteen steps of a sixty-fourth of 192 columns, 1.25 mm each.
      await page.waitForFunction(() => document.querySelector("[data-said]").textContent.includes("60.0 mm"));
      await page.keyboard.press("Escape");
      await page.keyboard.press("+");
      assert.match(await page.locator("[data-stage] canvas").getAttribute("style"), /scale\(1\.25\)/);
      assert.deepEqual(faults.filter(ours), []);
      await close();
    });
  });
}

test("a window chosen shades the same as the server's picture, and dragging changes it", async () => {
  const { page, faults, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/studies/${studies.CT}`);
  await drawn(page, 1);
  await page.locator('[data-window="-600,1500"]').click();
  await page.waitForFunction(() => document.querySelector("[data-said]").textContent.includes("-600 / 1500"));
  const here = await page.evaluate(shadeAt, [0.2, 0.5]);
  const address = await page.locator("[data-look]").first().getAttribute("data-address");
  const theirs = await page.evaluate(async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    return canvas.getContext("2d").getImageData(Math.floor(bitmap.width * 0.2), Math.floor(bitmap.height * 0.5), 1, 1).data[0];
  }, `${address}/frames/1/rendered?window=-600,1500,linear`);
  assert.ok(Math.abs(here - theirs) <= 1, `${here} and ${theirs}`);
  await page.locator("[data-stage]").evaluate((stage) => stage.scrollIntoView({ block: "center" }));
  const box = await page.locator("[data-stage]").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 + 100, { steps: 5 });
  await page.mouse.up();
  assert.equal(await page.locator("[data-window][aria-current]").count(), 0, "the window is none of those named");
  assert.deepEqual(faults.filter(ours), []);
  await close();
});

test("frames of one instance are scrolled, and the patient's side is marked", async () => {
  const { page, faults, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/studies/${studies.US}`);
  await drawn(page, 1);
  await page.locator("[data-stage]").hover();
  await page.mouse.wheel(0, 100);
  await drawn(page, 2);
  await page.goto(`${hub.origin}/en/studies/${studies.CT}`);
  await drawn(page, 1);
  assert.deepEqual(await page.locator("[data-side]").allTextContents(), ["R", "L", "A", "P"]);
  await page.goto(`${hub.origin}/en/studies/${studies.CR}`);
  await drawn(page, 1);
  assert.equal(await page.locator("p[data-laterality]").textContent(), "L");
  assert.deepEqual(faults.filter(ours), []);
  await close();
});
