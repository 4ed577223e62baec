// The numbers change by themselves, and are the same without script.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LANGUAGES, openBrowser, openPage } from "./browser.mjs";
import { startHub, until } from "./hub.mjs";

let hub;
let browser;
before(async () => ([hub, browser] = await Promise.all([startHub(), openBrowser()])));
after(async () => Promise.all([browser?.close(), hub?.stop()]));

const CLOCK = "[data-live] .state time";

async function taken(page) {
  return Date.parse(await page.locator(CLOCK).getAttribute("datetime"));
}

/** When the server's newest numbers were taken. */
async function served() {
  const part = await (await fetch(`${hub.origin}/en/ops/live`)).text();
  return Date.parse(part.match(/As of <time datetime="([^"]+)"/)[1]);
}

/** All numbers of the page, without the relative times. */
async function numbers(page) {
  return page.locator("[data-live] .feeds td.n, [data-live] .pipeline .rate").allInnerTexts();
}

test("the numbers change without a word from the reader, who loses neither focus nor place", async () => {
  const { page, faults, close } = await openPage(browser, { viewport: { width: 1280, height: 400 } });
  await page.goto(`${hub.origin}/en/ops`);
  const before = await numbers(page);
  const first = await taken(page);
  const link = page.locator(".feeds tbody a").first();
  await link.focus();
  await page.evaluate(() => {
    document.activeElement.mark = "mine";
    window.scrollTo(0, 200);
  });
  await until(30_000, "other numbers", async () => JSON.stringify(await numbers(page)) !== JSON.stringify(before));
  await until(30_000, "a second renewal", async () => (await taken(page)) > first + 3000);
  assert.equal(await page.evaluate(() => document.activeElement.mark), "mine", "the focus stays on the same element");
  assert.equal(await page.evaluate(() => window.scrollY), 200);
  assert.ok(!(await page.locator("[data-live-lost]").isVisible()));
  assert.deepEqual(faults, []);
  await close();
});

test("updates pause and resume at the reader's word", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/ops`);
  await page.getByRole("button", { name: "Pause updates" }).click();
  const held = await taken(page);
  await until(30_000, "newer numbers at the server", async () => (await served()) > held + 5000);
  assert.equal(await taken(page), held, "a paused page stays as it is");
  await page.getByRole("button", { name: "Resume updates" }).click();
  await until(10_000, "newer numbers on the page", async () => (await taken(page)) > held + 4000);
  await close();
});

test("a page nobody looks at does not ask", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${hub.origin}/en/ops`);
  await page.waitForResponse(/\/ops\/live$/);
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/ops/live") ? 1 : 0));
  const look = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await look(true);
  const since = await served();
  await until(30_000, "newer numbers at the server", async () => (await served()) > since + 5000);
  assert.equal(asked, 0);
  await look(false);
  await until(5000, "a request", () => asked > 0);
  await close();
});

test("a server that does not answer is told, and forgotten once it answers again", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${hub.origin}/zh-hant/ops`);
  const alert = page.getByRole("alert");
  await page.context().setOffline(true);
  await alert.waitFor({ state: "visible", timeout: 15_000 });
  assert.match(await alert.innerText(), /過時/);
  await page.context().setOffline(false);
  await alert.waitFor({ state: "hidden", timeout: 15_000 });
  await close();
});

for (const language of LANGUAGES) {
  test(`without script the page shows the same numbers (${language})`, async () => {
    const [scripted, plain] = [await openPage(browser), await openPage(browser, { javaScriptEnabled: false })];
    const address = `${hub.origin}/${language}/ops`;
    const [withScript, without] = await until(30_000, "two pages of one moment", async () => {
      await Promise.all([scripted.page.goto(address), plain.page.goto(address)]);
      const same = (await taken(scripted.page)) === (await taken(plain.page));
      return same && Promise.all([scripted, plain].map(({ page }) => page.locator("[data-live]").innerText()));
    });
    assert.equal(without, withScript);
    assert.ok(/\d/.test(without), "there are numbers");
    assert.ok(!(await plain.page.locator("[data-live-button]").isVisible()), "no button that does nothing");
    await Promise.all([scripted.close(), plain.close()]);
  });

  test(`without script every page is reached and the list is filtered (${language})`, async () => {
    const { page, close } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${hub.origin}/${language}/ops`);
    for (const place of await page.locator("nav.places a").all()) {
      const href = await place.getAttribute("href");
      assert.equal((await page.request.get(hub.origin + href)).status(), 200, href);
    }
    await page.locator("a[href$=\"/ops/conflicts\"]").click();
    assert.match(await page.locator("main").innerText(), language === "en" ? /conflict/ : /衝突|影像/);
    await page.locator("nav.places a[href$=\"/ops/messages\"]").click();
    await page.locator("select[name=state]").selectOption("accepted");
    await page.locator("form button").click();
    assert.equal(new URL(page.url()).searchParams.get("state"), "accepted");
    await page.locator("tbody a").first().click();
    assert.match(page.url(), /messages\/[0-9a-f-]{36}$/);
    await close();
  });
}
