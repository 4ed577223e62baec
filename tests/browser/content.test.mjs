// What the pages say: the numbers of the other surfaces, commands that work, and nothing of any person.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { LANGUAGES } from "./browser.mjs";
import { startHub, until } from "./hub.mjs";

const HELD_SOON_MS = 60_000;

let hub;
before(async () => (hub = await startHub()));
after(() => hub?.stop());

/** Gets a path as text. */
async function get(path) {
  const answer = await fetch(hub.origin + path);
  assert.equal(answer.status, 200, path);
  return answer.text();
}

/** Runs the binary beside the hub, on its folder. */
function run(...words) {
  return new Promise((resolve) => {
    execFile(hub.binary, [...words, "--config", hub.folder], { maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test("the page shows the numbers of the status for programs", async () => {
  const [status, page] = await until(30_000, "page and status of one moment", async () => {
    const [status, page] = await Promise.all([get("/api/v1/status").then(JSON.parse), get("/en/ops/live")]);
    return page.includes(`As of <time datetime="${status.at}"`) && [status, page];
  });
  assert.ok(status.feeds.length > 0);
  for (const feed of status.feeds) {
    const row = page.match(new RegExp(`<tr role="row" id="feed-${feed.name}">.*?</tr>`, "s"))[0];
    const cells = [...row.matchAll(/<td role="cell" class="n"[^>]*>(.*?)<\/td>/gs)].map(([, cell]) => cell.replace(/<[^>]+>/g, ""));
    const counts = [feed.accepted, feed.withheld, feed.held, feed.rejected].map((count) => count.toLocaleString("en"));
    assert.deepEqual(cells.slice(1, 5), counts, feed.name);
  }
});

test("the command beside held messages tells what a replay would do, and does nothing", async () => {
  const held = await until(HELD_SOON_MS, "a held message", async () => {
    const page = await get("/en/ops/held");
    return page.includes("<pre") && page;
  });
  const [, command] = held.match(/<pre[^>]*><code>causeway ([^<]+)<\/code>/);
  const { code, stdout, stderr } = await run(...command.split(" "));
  assert.ok([0, 5].includes(code), `${code}: ${stderr}`);
  assert.match(stdout, /would be replayed/);
  assert.match(stderr, /nothing was changed/);
});

test("the command on a journey tells the same journey", async () => {
  const list = await get("/en/ops/messages");
  const [, trace] = list.match(/href="\/en\/ops\/messages\/([0-9a-f-]{36})"/);
  const journey = await get(`/en/ops/messages/${trace}`);
  const [, command] = journey.match(/<pre[^>]*><code>causeway ([^<]+)<\/code>/);
  const { code, stdout, stderr } = await run(...command.split(" "));
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(trace));
});

test("no page holds a name or a number of any person", async () => {
  const { stdout } = await run("person", "list", "--limit", "1000", "--reveal", "--json");
  const persons = stdout.trim().split("\n").map(JSON.parse);
  assert.ok(persons.length >= 40, `${persons.length} persons`);
  const secrets = persons.flatMap((person) => [
    person.chinese,
    person.ehr_number,
    person.birth.replaceAll("-", ""),
    ...[`${person.family}^${person.given}`, `${person.family}, ${person.given}`, `${person.given} ${person.family}`],
    ...[...person.documents, ...person.local_numbers].map((one) => one.number),
  ]);
  const wanted = secrets.filter(Boolean).map((secret) => [secret, new RegExp(`(?<![\\w-])${escaped(secret)}(?![\\w-])`)]);
  const pages = await visited();
  assert.ok(pages.length > 40, "many pages were read");
  for (const [path, text] of pages) {
    for (const [secret, pattern] of wanted) assert.ok(!pattern.test(text), `${path} holds ${secret}`);
  }
});

/** Every page: path and HTML, so that addresses and titles count too. */
async function visited() {
  const paths = LANGUAGES.flatMap((language) => ["", "/held", "/messages"].map((page) => `/${language}/ops${page}`));
  for (const state of ["accepted", "withheld", "held", "rejected"]) {
    const list = await get(`/en/ops/messages?state=${state}`);
    const traces = [...list.matchAll(/href="(\/en\/ops\/messages\/[0-9a-f-]{36})"/g)].map(([, path]) => path);
    paths.push(...traces.slice(0, 30));
  }
  return Promise.all(paths.map(async (path) => [path, await get(path)]));
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
