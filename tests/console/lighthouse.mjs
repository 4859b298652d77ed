// Lighthouse, as on a phone, on the pages an owner is on most: Home, a source, its records. Each score is printed, and has to reach the floor.
// `node tests/console/lighthouse.mjs` ends with a status other than 0 where one does not.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse from "lighthouse";
import { chromium } from "playwright-core";

import { freePort, start } from "./house.mjs";
import { ask, givePassphrase, moveIn, until } from "./owner.mjs";

const FLOOR = 95;
const categories = ["performance", "accessibility", "best-practices"];

const begun = Date.now();
const [house, port] = [await start(), await freePort()];
const profile = mkdtempSync(join(tmpdir(), "freehold-lighthouse-"));
// Lighthouse comes to this browser by its port, and finds the owner signed in.
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  args: [`--remote-debugging-port=${port}`, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
});
try {
  const page = await browser.newPage();
  await moveIn({ page, step: async () => {} }, house);
  const { host, port: mailPort, user, password } = house.mailbox;
  await givePassphrase(page);
  const source = await ask(house, page, "POST", "/sources", {
    connector: "imap", name: "Maria's mail", mode: "stored_credential", consent: true,
    settings: { host, port: mailPort, security: "plain" }, credentials: { app_password: { username: user, password } },
  });
  await until(house, page, source.id, "fresh");
  await page.goto("about:blank");
  const low = [];
  for (const [name, path] of [["Home", "/"], ["Source", `/sources/${source.id}`], ["Records", `/sources/${source.id}/streams/messages`]]) {
    const flags = /** @type {const} */ ({ port, onlyCategories: categories, disableStorageReset: true, logLevel: "error" });
    const result = await lighthouse(house.origin + path, flags);
    assert.ok(result, `${name}: Lighthouse gave no result`);
    assert.equal(new URL(result.lhr.finalDisplayedUrl).pathname, path, `${name} is what was looked at`);
    const scores = categories.map((category) => Math.round((result.lhr.categories[category]?.score ?? 0) * 100));
    console.log(`     ${String(name).padEnd(8)} ${categories.map((category, i) => `${category} ${scores[i]}`).join("   ")}`);
    for (const audit of Object.values(result.lhr.audits)) {
      if (scores.some((score) => score < FLOOR) && audit.score !== null && audit.score < 0.9) {
        low.push(`${name}: ${audit.title} (${audit.displayValue ?? audit.score})`);
      }
    }
  }
  assert.deepEqual(low, [], `every score is ${FLOOR} or more`);
} finally {
  await browser.close();
  await house.stop();
  rmSync(profile, { recursive: true, force: true });
}
console.log(`ok   lighthouse   ${((Date.now() - begun) / 1000).toFixed(1)} s`);
