// A Freehold server, a demo mailbox and a practice shop of a journey's own, in temporary folders, ended by their own process ids.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../..");
/** How long anything may take to start. Milliseconds. */
const LIMIT = 30_000;

/**
 * @typedef {{ host: string, port: number, user: string, password: string, messages: number }} Mailbox
 * @typedef {object} House
 * @property {string} origin
 * @property {string} config The folder of its configuration and keys.
 * @property {string} setupCode
 * @property {Mailbox} mailbox
 * @property {(...words: string[]) => Promise<string>} cli Uses the command line, and gives what it wrote.
 * @property {() => string} log
 * @property {() => Promise<void>} stop
 * @typedef {{ passwords: number, passwords_wrong: number, texts: number, codes: number, captchas: number }} AccountCounts
 * @typedef {object} Shop
 * @property {string} origin
 * @property {string} port
 * @property {(path: string, changes?: object) => Promise<void>} tell Changes a mood or an account.
 * @property {() => Promise<{ requests: string[], accounts: Record<string, AccountCounts> }>} counts What happened to it so far.
 * @property {() => Promise<string>} letters Those in the picture that is shown.
 * @property {() => Promise<string>} text The code texted last.
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server and a mailbox. `cargo build` has made the programs: `freehold`, and the example `demo_mailbox`.
 * @param {Record<string, string>} environment Variables the server finds lying about.
 * @param {string} [host] A host it is reached at over TLS, by a CA of its own.
 * @returns {Promise<House>}
 */
export async function start(environment = {}, host) {
  const folder = mkdtempSync(join(tmpdir(), "freehold-console-"));
  // A browser runs under a user of its own, and has to get to its directory in there.
  chmodSync(folder, 0o711);
  // Beside the server's folder, not in it: the mail server's own user has to get to it.
  const mailFolder = mkdtempSync(join(tmpdir(), "freehold-mailbox-"));
  const mailboxProcess = spawn(built("examples/demo_mailbox"), [mailFolder], { stdio: ["pipe", "pipe", "inherit"] });
  const mailbox = JSON.parse(await firstLine(mailboxProcess, () => true));

  const port = await freePort();
  for (const name of ["config", "data", "run"]) {
    mkdirSync(join(folder, name));
  }
  const origin = host ? `https://${host}:${port}` : `http://127.0.0.1:${port}`;
  const config = join(folder, "config/config.toml");
  writeFileSync(config, [
    `listen = "127.0.0.1:${port}"`,
    `data_dir = "${folder}/data"`,
    `key_file = "${folder}/config/vault.key"`,
    `runtime_dir = "${folder}/run"`,
    ...(host ? [`public_origin = "${origin}"`, "[tls]", "local_ca = true"] : []),
    "",
  ].join("\n"));
  const server = spawn(built("freehold"), ["--config", config, "serve"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let log = "";
  server.stderr.on("data", (data) => { log += data; });
  const code = /\b[A-Z2-9]{4}-[A-Z2-9]{4}\b/;
  const line = await firstLine(server, (text) => code.test(text)).catch((error) => {
    throw new Error(`${error.message}\n${log}`);
  });
  // Where it speaks TLS, nobody trusts it yet; it has said that it is there.
  if (!host) {
    await ready(origin);
  }
  return {
    origin,
    config: join(folder, "config"),
    setupCode: code.exec(line)?.[0] ?? "",
    mailbox,
    cli: async (...words) => {
      const { stdout } = await promisify(execFile)(built("freehold"), ["--config", config, ...words]);
      return stdout;
    },
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
 * Starts a practice shop. `cargo build` has made `freehold-practice`.
 * @returns {Promise<Shop>}
 */
export async function startShop() {
  const args = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--until-stdin-closes"];
  const shop = spawn(built("freehold-practice"), args, { stdio: ["pipe", "pipe", "inherit"] });
  const { http } = JSON.parse(await firstLine(shop, () => true));
  const origin = `http://${http}`;
  return {
    origin,
    port: new URL(origin).port,
    tell: async (path, changes = {}) => {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(origin + path, { method: "POST", headers, body: JSON.stringify(changes), redirect: "manual" });
      if (answer.status >= 400) {
        throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      }
    },
    counts: async () => (await fetch(`${origin}/moods/counts`)).json(),
    letters: async () => (await (await fetch(`${origin}/moods/letters`)).json())[0],
    // The newest is on top.
    text: async () => /\b\d{6}\b/.exec(await (await fetch(`${origin}/sms`)).text())?.[0] ?? "",
    stop: async () => {
      const closed = once(shop, "exit");
      shop.stdin.end();
      await closed;
    },
  };
}

/**
 * The path of a program that cargo has made.
 * @param {string} name
 */
function built(name) {
  const path = join(root, "target/debug", name);
  if (!existsSync(path)) {
    throw new Error(`target/debug/${name} is missing: run cargo build --workspace, and cargo build -p freehold-dovecot --examples`);
  }
  return path;
}

/**
 * The first line a program prints that is wanted.
 * @param {import("node:child_process").ChildProcess} child
 * @param {(line: string) => boolean} wanted
 * @returns {Promise<string>}
 */
function firstLine(child, wanted) {
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
export async function freePort() {
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
