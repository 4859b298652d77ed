// A Freehold server and a demo mailbox of a journey's own, in a temporary folder, ended by their own process ids.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(import.meta.dirname, "../..");
/** How long anything may take to start. Milliseconds. */
const LIMIT = 30_000;

/**
 * @typedef {{ host: string, port: number, user: string, password: string, messages: number }} Mailbox
 * @typedef {{ origin: string, setupCode: string, mailbox: Mailbox, log: () => string, stop: () => Promise<void> }} House
 */

/**
 * Starts both. `cargo build` has made the programs: `freehold`, and the example `demo_mailbox`.
 * @returns {Promise<House>}
 */
export async function start() {
  const folder = mkdtempSync(join(tmpdir(), "freehold-console-"));
  // A browser runs under a user of its own, and has to get to its directory in there.
  chmodSync(folder, 0o711);
  const mailboxProgram = join(root, "target/debug/examples/demo_mailbox");
  // Beside the server's folder, not in it: the mail server's own user has to get to it.
  const mailFolder = mkdtempSync(join(tmpdir(), "freehold-mailbox-"));
  const mailboxProcess = spawn(mailboxProgram, [mailFolder], { stdio: ["pipe", "pipe", "inherit"] });
  const mailbox = JSON.parse(await firstLine(mailboxProcess, () => true));

  const port = await freePort();
  for (const name of ["config", "data", "run"]) {
    mkdirSync(join(folder, name));
  }
  const config = join(folder, "config/config.toml");
  writeFileSync(config, [
    `listen = "127.0.0.1:${port}"`,
    `data_dir = "${folder}/data"`,
    `key_file = "${folder}/config/vault.key"`,
    `runtime_dir = "${folder}/run"`,
    "",
  ].join("\n"));
  const program = join(root, "target/debug/freehold");
  const server = spawn(program, ["--config", config, "serve"], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  server.stderr.on("data", (data) => { log += data; });
  const code = /\b[A-Z2-9]{4}-[A-Z2-9]{4}\b/;
  const line = await firstLine(server, (text) => code.test(text)).catch((error) => {
    throw new Error(`${error.message}\n${log}`);
  });
  const origin = `http://127.0.0.1:${port}`;
  await ready(origin);
  return {
    origin,
    setupCode: code.exec(line)?.[0] ?? "",
    mailbox,
    log: () => log,
    stop: async () => {
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      await ended;
      const closed = once(mailboxProcess, "exit");
      mailboxProcess.stdin.end();
      await closed;
      rmSync(folder, { recursive: true, force: true });
      rmSync(mailFolder, { recursive: true, force: true });
    },
  };
}

/**
 * The first line a program prints that is wanted.
 * @param {import("node:child_process").ChildProcess} child
 * @param {(line: string) => boolean} wanted
 * @returns {Promise<string>}
 */
export function firstLine(child, wanted) {
  return new Promise((found, failed) => {
    if (!child.stdout) {
      failed(new Error("its output is not kept"));
      return;
    }
    const timer = setTimeout(() => failed(new Error(`${child.spawnfile} said nothing for ${LIMIT} ms`)), LIMIT);
    child.once("error", failed);
    child.once("exit", (status) => failed(new Error(`${child.spawnfile} ended with ${status} before it was ready`)));
    createInterface(child.stdout).on("line", (line) => {
      if (wanted(line)) {
        clearTimeout(timer);
        found(line);
      }
    });
  });
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) {
    throw new Error("no free port");
  }
  return address.port;
}

/**
 * Waits until the server answers.
 * @param {string} origin
 */
async function ready(origin) {
  const deadline = Date.now() + LIMIT;
  for (;;) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`Freehold does not answer at ${origin}`);
    }
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
