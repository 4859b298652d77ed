// The console by Freehold's own CA: a browser that does not know it refuses, one it is installed in comes in without a warning, and what a
// thief makes with its key for another site is refused there too.
// `node tests/console/tls.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { start } from "./house.mjs";
import { moveIn, open, sizes, walk } from "./owner.mjs";

const own = "freehold.home.arpa";
const bank = "bank.example";
const begun = Date.now();
const folder = mkdtempSync(join(tmpdir(), "freehold-tls-"));
const house = await start({}, own);
const args = [`--host-resolver-rules=MAP ${own} 127.0.0.1, MAP ${bank} 127.0.0.1`];
const size = sizes[0];
assert.ok(size);

const ca = join(folder, "freehold-ca.crt");
const env = { HOME: folder };
const { fingerprint, thief } = await prepared().catch(async (error) => {
  await house.stop();
  throw error;
});

await walk(size, house, async (owner) => {
  const { page, step } = owner;
  const stranger = await open(args);
  const refused = await (await stranger.newPage()).goto(house.origin).catch(String);
  assert.match(String(refused), /ERR_CERT_AUTHORITY_INVALID/, "a browser without the CA");
  await stranger.close();

  await moveIn(owner, house);
  const cookie = (await page.context().cookies()).find(({ name }) => name.includes("freehold"));
  assert.deepEqual([cookie?.name, cookie?.secure, cookie?.httpOnly], ["__Host-freehold", true, true]);
  const answer = await page.goto(`${house.origin}/settings/certificate`);
  assert.equal((await answer?.securityDetails())?.issuer?.startsWith(`Freehold at ${own}`), true);
  assert.equal(answer?.headers()["strict-transport-security"], undefined, "a CA that may have to be installed anew");
  await page.getByText(fingerprint).waitFor();
  await step("tls-certificate");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the CA certificate" }).click(),
  ]);
  assert.equal(file.suggestedFilename(), "freehold-ca.crt");
  assert.equal(readFileSync(await file.path(), "utf8"), readFileSync(ca, "utf8"));
}, { args, env });

const browser = await open(args, env);
const page = await browser.newPage();
const at = async (/** @type {string} */ host) => page.goto(`https://${host}:${thief.port}/`).then((answer) => answer?.text(), String);
// The control: the very same way of making one is believed for a host the CA is for.
assert.equal(await at(own), "stolen");
assert.match(String(await at(bank)), /ERR_CERT_/, "the CA's key is good for the console alone");
await browser.close();
thief.stop();
rmSync(folder, { recursive: true, force: true });
console.log(`ok   by Freehold's own CA   ${((Date.now() - begun) / 1000).toFixed(1)} s`);

/** As the page says: the CA is fetched, compared, and installed. Somebody has stolen its key meanwhile. */
async function prepared() {
  const shown = await house.cli("tls", "--save-ca", ca);
  const fingerprint = run("openssl", "x509", "-in", ca, "-noout", "-fingerprint", "-sha256").split("=")[1]?.trim() ?? "";
  assert.ok(fingerprint && shown.includes(fingerprint), shown);
  const store = join(folder, ".pki/nssdb");
  mkdirSync(store, { recursive: true });
  run("certutil", "-N", "-d", `sql:${store}`, "--empty-password");
  run("certutil", "-A", "-d", `sql:${store}`, "-t", "C,,", "-n", "Freehold", "-i", ca);
  return { fingerprint, thief: await steal([own, bank]) };
}

/**
 * A server with certificates that were made with the CA's key, each for one host.
 * @param {string[]} hosts
 */
async function steal(hosts) {
  const stolen = join(house.config, "console-ca.pem");
  const contexts = hosts.map((host) => {
    const [key, request, made, names] = ["key", "csr", "pem", "cnf"].map((end) => join(folder, `${host}.${end}`));
    assert.ok(key && request && made && names);
    writeFileSync(names, `subjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`);
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=stolen", "-keyout", key, "-out", request);
    run("openssl", "x509", "-req", "-in", request, "-CA", stolen, "-CAkey", stolen, "-days", "2", "-extfile", names, "-out", made);
    return { host, key: readFileSync(key), cert: readFileSync(made) };
  });
  const server = createServer((_, answer) => answer.end("stolen"));
  contexts.forEach(({ host, ...context }) => server.addContext(host, context));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return { port: address.port, stop: () => { server.close(); server.closeAllConnections(); } };
}

/**
 * Runs a program, and gives what it wrote.
 * @param {string} program
 * @param {string[]} words
 */
function run(program, ...words) {
  return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
