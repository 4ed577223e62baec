// Fingers on the viewer: a tap right after a drag is a tap, however often, and a drag is never one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, openPage } from "./browser.mjs";
import { startHub, until } from "./hub.mjs";

const PATIENCE_MS = 60_000;
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const TIMES = 20;
const START = 8;

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

/** The viewer in the middle of the study, its controls in sight, and fingers on it. */
async function opened() {
  const { page, faults, close } = await openPage(browser, PHONE);
  await page.goto(`${hub.origin}/en/studies/${study}?frame=${START}`);
  await page.waitForSelector(`[data-stage].live[data-shown="${START}"]`);
  await page.locator("[rel=next]").evaluate((link) => link.scrollIntoView({ block: "start" }));
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...points) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const middle = async (what) => {
    const box = await page.locator(what).boundingBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  /** Both at the places where things were before: a finger does not wait for them to move. */
  const dragAndTap = async (what) => {
    const [[x, y], spot] = [await middle("[data-stage]"), await middle(what)];
    await touch("touchStart", [x, y]);
    for (let step = 1; step <= 6; step += 1) await touch("touchMove", [x + 8 * step, y + 10 * step]);
    await touch("touchEnd");
    await touch("touchStart", spot);
    await touch("touchEnd");
  };
  return { page, faults, close, touch, middle, dragAndTap };
}

const shows = (page, number) =>
  page.waitForFunction((wanted) => document.querySelector("[data-stage]").dataset.shown === wanted, `${number}`, { timeout: 5_000 });

test("a tap on a control right after a drag is always heard, and the drag by itself is no tap", async () => {
  const { page, faults, close, dragAndTap } = await opened();
  for (let turn = 1; turn <= TIMES; turn += 1) {
    const [control, number] = turn % 2 ? ["[rel=next]", START + 1] : ["[rel=prev]", START];
    await dragAndTap(control);
    await shows(page, number).catch((error) => assert.fail(`the tap of turn ${turn} did nothing: ${error.message}`));
    assert.equal(await page.locator("[data-window][aria-current]").count(), 0, `turn ${turn}: the drag changed the window`);
    await dragAndTap('[data-window=""]');
    await page
      .waitForSelector('[data-window=""][aria-current]', { timeout: 5_000 })
      .catch((error) => assert.fail(`the tap of turn ${turn} on a window did nothing: ${error.message}`));
    assert.equal(await page.locator("[data-number]").textContent(), `${number}`, "and nothing else was hit");
  }
  assert.deepEqual(faults.filter(ours), []);
  await close();
});

test("a finger measures after another tool was used, tap by tap of the buttons", async () => {
  const { page, faults, close, touch, middle, dragAndTap } = await opened();
  for (let turn = 1; turn <= TIMES; turn += 1) {
    await dragAndTap('[data-tool="measure"]:is(button)');
    await page.waitForSelector('button[data-tool="measure"][aria-pressed="true"]', { timeout: 5_000 });
    const [x, y] = await middle("[data-stage]");
    await touch("touchStart", [x - 40, y]);
    for (const by of [-20, 0, 20, 40]) await touch("touchMove", [x + by, y]);
    await touch("touchEnd");
    assert.equal(await page.locator("[data-stage] svg line").count(), 1, `turn ${turn}: a line`);
    assert.match(await page.locator("[data-said]").textContent(), /[1-9]\d*\.\d mm/, `turn ${turn}`);
    await dragAndTap('button[data-tool="window"]');
    await page.waitForSelector('button[data-tool="window"][aria-pressed="true"]', { timeout: 5_000 });
    assert.equal(await page.locator("[data-stage] svg line").count(), 0, `turn ${turn}: the line is gone`);
  }
  assert.deepEqual(faults.filter(ours), []);
  await close();
});

test("where no script runs, a finger on the picture scrolls the page", async () => {
  const { page, close } = await openPage(browser, { ...PHONE, javaScriptEnabled: false });
  await page.goto(`${hub.origin}/en/studies/${study}`);
  await page.locator("[rel=next]").evaluate((link) => link.scrollIntoView({ block: "start" }));
  const before = await page.evaluate(() => scrollY);
  const session = await page.context().newCDPSession(page);
  const { x, y, width, height } = await page.locator("[data-stage]").boundingBox();
  const spot = (down) => [{ x: x + width / 2, y: y + height / 2 + down }];
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: spot(0) });
  for (const down of [20, 40, 60, 80, 100]) await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: spot(down) });
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await until(5_000, "the page to scroll", async () => (await page.evaluate(() => scrollY)) < before - 40);
  await close();
});
