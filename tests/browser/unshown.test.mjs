// Images of which no picture can be made: the page says so in words and leads to the file, with and without JavaScript.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { LANGUAGES, openBrowser, openPage } from "./browser.mjs";
import { command, startHub, until } from "./hub.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PATIENCE_MS = 60_000;
const NATIVE = "1.2.840.10008.1.2.1";
/** A transfer syntax nobody decodes; and one whose pixels these are not. */
const [UNKNOWN, BROKEN] = ["1.2.840.10008.1.2.9", "1.2.840.10008.1.2.5"];
const WORDS = {
  en: { kind: "in a format that is not decoded here", broken: "its pixels are damaged", way: "Download the DICOM file" },
  "zh-hant": { kind: "這裏不能解碼", broken: "其像素已損壞", way: "下載 DICOM 檔案" },
};

let hub;
let browser;
let study;
before(async () => {
  [hub, browser] = await Promise.all([startHub(), openBrowser()]);
  study = await until(PATIENCE_MS, "a study of magnetic resonance", async () => {
    const [found] = await (await fetch(`${hub.origin}/dicomweb/studies?ModalitiesInStudy=MR`)).json();
    return found["00201208"].Value[0] >= 3 && found["0020000D"].Value[0];
  });
  // One series of all three kinds, and one of each kind that has no picture.
  await send(7, [NATIVE, UNKNOWN, BROKEN]);
  await send(8, [UNKNOWN]);
  await send(9, [BROKEN]);
});
after(async () => Promise.all([browser?.close(), hub?.stop()]));

/** Sends the first images of the study once more as another series, said to be in these transfer syntaxes. */
async function send(series, syntaxes) {
  const folder = path.join(hub.folder, `series-${series}`);
  await mkdir(folder);
  for (const [at, syntax] of syntaxes.entries()) {
    const place = `${hub.origin}/dicomweb/studies/${study}/series/${study}.1/instances/${study}.1.${at + 1}`;
    const answer = await fetch(place, { headers: { accept: "application/dicom" } });
    const file = Buffer.from(await answer.arrayBuffer()).toString("latin1");
    const changed = file.replaceAll(`${study}.1`, `${study}.${series}`).replace(`${NATIVE}\0`, `${syntax}\0`);
    await writeFile(path.join(folder, `${at}.dcm`), changed, "latin1");
  }
  const to = `CAUSEWAY@127.0.0.1:${hub.dicom}`;
  const sent = await command(hub, "send", "dicom", folder, "--to", to, "--calling", "DEMO-PACS");
  assert.equal(sent.taken, syntaxes.length);
  await until(PATIENCE_MS, "what was sent to be listed", async () => {
    const listed = await fetch(`${hub.origin}/dicomweb/studies/${study}/series/${study}.${series}/instances`);
    return (await listed.json()).length === syntaxes.length;
  });
}

/** Chromium tells of every 406; nothing else may go wrong. */
const ours = (fault) => !fault.includes("net::ERR_ABORTED") && !fault.includes("status of 406");
const said = (page) => page.locator("[data-unshown] [data-why]:visible").allTextContents();
const at = (page, number) => page.waitForSelector(`[data-stage][data-shown="${number}"]`);

/** No picture is one that did not load, but for those that show words instead. */
async function holdsNoBrokenPicture(page) {
  await page.waitForLoadState("networkidle");
  const broken = await page.locator("img:visible").evaluateAll((all) => {
    const shown = (one) => getComputedStyle(one, "::after");
    const words = (one) => shown(one).content.length > 4 && shown(one).width === getComputedStyle(one).width;
    return all.filter((one) => one.complete && one.naturalWidth === 0 && !words(one)).map((one) => one.outerHTML);
  });
  assert.deepEqual(broken, []);
}

async function leadsToTheFile(page, instance, way) {
  const link = page.locator("[data-unshown] a[data-original]");
  assert.equal((await link.textContent()).trim(), way);
  const href = await link.getAttribute("href");
  assert.ok(href.includes(`/instances/${study}.${instance}?`), href);
  const answer = await page.request.get(hub.origin + href);
  assert.equal(answer.status(), 200);
  assert.equal((await answer.body()).toString("latin1", 128, 132), "DICM");
  assert.ok((await page.locator("[data-unshown] a[href^='weasis:']").count()) === 1, "and to another viewer");
}

for (const language of LANGUAGES) {
  const { kind, broken, way } = WORDS[language];
  describe(language, () => {
    test("without JavaScript the page says why there is no picture, and leads to the file", async () => {
      const { page, faults, close } = await openPage(browser, { javaScriptEnabled: false });
      for (const [query, instance, words] of [
        [`series=${study}.7&frame=1`, "7.1", null],
        [`series=${study}.7&frame=2`, "7.2", kind],
        [`series=${study}.7&frame=3`, "7.3", broken],
        [`series=${study}.8`, "8.1", kind],
        [`series=${study}.9`, "9.1", broken],
      ]) {
        await page.goto(`${hub.origin}/${language}/studies/${study}?${query}`);
        const sentences = await said(page);
        assert.equal(sentences.length, words ? 1 : 0, `${query}: ${sentences}`);
        assert.equal(await page.locator("[data-picture]").isVisible(), !words, query);
        if (words) {
          assert.ok(sentences[0].includes(words), `${query}: ${sentences}`);
          await leadsToTheFile(page, instance, way);
        }
        await holdsNoBrokenPicture(page);
      }
      assert.deepEqual(faults.filter(ours), []);
      await close();
    });

    test("with it one scrolls past such images, and by keys alone gets the file", async () => {
      const { page, faults, close } = await openPage(browser);
      await page.goto(`${hub.origin}/${language}/studies/${study}?series=${study}.7`);
      await page.waitForSelector('[data-stage].live[data-shown="1"]');
      await page.locator("[data-stage]").focus();
      for (const [number, words] of [[2, kind], [3, broken]]) {
        await page.keyboard.press("ArrowDown");
        await at(page, number);
        const [sentence] = await said(page);
        assert.ok(sentence.includes(words), sentence);
        assert.ok((await page.locator("[data-said]").textContent()).includes(sentence), "and it is said aloud");
        await leadsToTheFile(page, `7.${number}`, way);
        await holdsNoBrokenPicture(page);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((values) => axe.run({ runOnly: { type: "tag", values } }), RULES);
        assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html)}`), []);
      }
      await page.keyboard.press("Tab");
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      await download.path();
      for (const number of [2, 1]) {
        await page.locator("[data-stage]").focus();
        await page.keyboard.press("ArrowUp");
        await at(page, number);
      }
      await page.waitForSelector('[data-stage].live[data-shown="1"]');
      assert.deepEqual(await said(page), [], "a picture again");
      assert.deepEqual(faults.filter(ours), []);
      await close();
    });
  });
}
