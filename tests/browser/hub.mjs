// The real binary with its demonstration, on free ports, in a folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 30_000;
/** The demonstration ends by itself, even when a test run is cut. */
const LIFE_SECONDS = 600;

/** Starts the demonstration; ready once a message is listed. */
export async function startHub() {
  const binary = process.env.CAUSEWAY_BIN;
  if (!binary) throw new Error("CAUSEWAY_BIN names the binary to test");
  const folder = await mkdtemp(path.join(os.tmpdir(), "causeway-browser-"));
  const [mllp, http, cm, dicom] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = ["--mllp-port", `${mllp}`, "--http-port", `${http}`, "--cm-port", `${cm}`, "--dicom-port", `${dicom}`];
  const child = spawn(binary, ["demo", "--dir", folder, "--for", `${LIFE_SECONDS}`, ...ports], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said = (said + data).slice(-4000)));
  const hub = { binary, folder, origin: `http://127.0.0.1:${http}`, dicom, stop: () => stop(child, folder) };
  try {
    await until(START_DEADLINE_MS, "a message to be listed", async () => {
      if (child.exitCode !== null) throw new Fatal(`the demonstration ended with ${child.exitCode}: ${said}`);
      const list = await fetch(`${hub.origin}/en/ops/messages`);
      return list.ok && (await list.text()).includes("/en/ops/messages/");
    });
  } catch (error) {
    await hub.stop();
    throw error;
  }
  return hub;
}

/** What a command of the binary prints as JSON. */
export async function command(hub, ...words) {
  const child = spawn(hub.binary, ["--json", ...words], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (data) => (out += data));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${words.join(" ")}: ${code}: ${out}`);
  return JSON.parse(out.split("\n")[0]);
}

/** Waits for a condition, with a deadline. A condition that throws is not met yet. */
export async function until(milliseconds, what, condition) {
  const deadline = Date.now() + milliseconds;
  let last = "";
  while (Date.now() < deadline) {
    try {
      const met = await condition();
      if (met) return met;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = `: ${error.message}`;
    }
    await pause(50);
  }
  throw new Error(`waited ${milliseconds} ms for ${what}${last}`);
}

/** No use in waiting any longer. */
class Fatal extends Error {}

async function stop(child, folder) {
  if (child.exitCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(late);
  }
  await rm(folder, { recursive: true, force: true });
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
