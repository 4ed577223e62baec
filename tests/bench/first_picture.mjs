// How long a clinician waits for the first picture of a study: Chromium, from asking for its page to the drawn canvas of the viewer.
//
//     node tests/bench/first_picture.mjs URL TOKEN TURNS
//
// Each turn has a browser context of its own, so nothing of the turn before is kept. Prints the milliseconds as a JSON array.

import { openBrowser, openPage } from "../browser/browser.mjs";

const [url, token, turns] = process.argv.slice(2);
const browser = await openBrowser();
const waited = [];
for (let turn = 0; turn < Number(turns); turn += 1) {
  const { page, close } = await openPage(browser, { extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
  const begun = performance.now();
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForSelector('[data-stage].live[data-shown="1"]');
  waited.push(performance.now() - begun);
  await close();
}
await browser.close();
console.log(JSON.stringify(waited));
