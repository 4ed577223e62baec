// Chromium without its background talk, and pages that remember what went wrong on them.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const LANGUAGES = ["en", "zh-hant"];

/** Opens the browser, with a profile of its own. */
export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Opens a page that keeps every error: of the console, of a script, of the content security policy. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => faults.push(`request: ${request.url()} ${request.failure()?.errorText}`));
  return { page, faults, close: () => context.close() };
}

/** The path of the journey of the newest message. */
export async function newestJourney(hub, language) {
  const list = await (await fetch(`${hub.origin}/${language}/ops/messages`)).text();
  const link = list.match(new RegExp(`href="(/${language}/ops/messages/[0-9a-f-]{36})"`));
  assert.ok(link, "the list leads to a journey");
  return link[1];
}
