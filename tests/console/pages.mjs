// Every page of the console, with something on it: at the size of a laptop and of a phone, in light and in dark, with scripts and
// without, by keyboard alone. Which pages there are is in pages.json, which a test holds against the table of routes.
// `node tests/console/pages.mjs` ends with a status other than 0 if anything is not as it should be; with --docs the pictures are made
// for docs/screens.

import assert from "node:assert/strict";

import { start, startShop } from "./house.mjs";
import { ask, moveIn, pages, passphrase, picture, seen, sizes, until, walk } from "./owner.mjs";

/**
 * @typedef {import("./owner.mjs").Page} Page
 * @typedef {import("./owner.mjs").Owner} Owner
 * @typedef {import("./house.mjs").House} House
 * @typedef {import("./house.mjs").Shop} Shop
 * @typedef {Record<string, string>} Places What stands for the parts of an address.
 */

/** Those another journey sees, or that are over once there is an owner who is signed in. */
const elsewhere = ["/start", "/sign-in", "/sources/{id}/collect", "/sources/{id}/left"];
/** @type {Record<string, string>} What is asked of a page that shows nothing otherwise. */
const asked = { "/search": "?text=maria" };
const jonas = { username: "jonas@example.test", password: "seven-green-pears" };

const begun = Date.now();
const [house, shop] = [await start(), await startShop()];
const laptop = sizes[0];
assert.ok(laptop);
await walk(laptop, house, async (owner) => {
  const { page } = owner;
  await beforeAnything(page);
  await moveIn(owner, house);
  const places = await furnish(page, shop);
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const [route, name] of Object.entries(pages).filter(([route]) => !elsewhere.includes(route))) {
      const answer = await page.goto(house.origin + address(route, places) + (asked[route] ?? ""));
      assert.equal(answer?.status(), 200, route);
      await settled(page);
      await seen(page, size, name, { dark: true });
      await picture(page, size, name);
    }
  }
  await page.setViewportSize(laptop);
  await byKeyboard(page);
  await oneStream(page);
  await away(page);
  await page.goto(house.origin);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  for (const size of sizes) {
    await page.setViewportSize(size);
    await seen(page, size, "sign-in", { dark: true });
    await picture(page, size, "sign-in");
  }
}).finally(shop.stop);
console.log(`ok   every page   ${((Date.now() - begun) / 1000).toFixed(1)} s`);

/**
 * First start, before there is anything.
 * @param {Page} page
 */
async function beforeAnything(page) {
  await page.goto(`${house.origin}/start`);
  for (const size of sizes) {
    await page.setViewportSize(size);
    await seen(page, size, "start", { dark: true });
    await picture(page, size, "start");
  }
}

/**
 * A mailbox that is collected, one whose sign-in details are refused, one that was removed, a shop that waits for a code, a token, and a
 * new recovery key that has not been typed back.
 * @param {Page} page
 * @param {Shop} shop
 * @returns {Promise<Places>}
 */
async function furnish(page, shop) {
  await page.request.post(`${house.origin}/reauthenticate`, { form: { passphrase, next: "/" }, headers: { Origin: house.origin } });
  const mail = { connector: "imap", mode: "stored_credential", consent: true, settings: { host: house.mailbox.host, port: house.mailbox.port, security: "plain" } };
  const details = (/** @type {string} */ password) => ({ app_password: { username: house.mailbox.user, password } });
  const maria = await ask(house, page, "POST", "/sources", { ...mail, name: "Maria's mail", credentials: details(house.mailbox.password) });
  await until(house, page, maria.id, "fresh");
  const old = await ask(house, page, "POST", "/sources", { ...mail, name: "بريد قديم 📮", credentials: details(house.mailbox.password) });
  await until(house, page, old.id, "fresh");
  await ask(house, page, "DELETE", `/sources/${old.id}`, { confirm_name: old.name, delete_records: false });
  const name = "Work, with a name that goes on for as long as the form lets it, as names of accounts at offices do";
  const refused = await ask(house, page, "POST", "/sources", { ...mail, name, credentials: details("not-the-password") });
  await until(house, page, refused.id, "needs_owner");
  const orders = { connector: "practice", mode: "stored_credential", consent: true, settings: { port: shop.port } };
  const code = await ask(house, page, "POST", "/sources", { ...orders, name: "Jonas's shop", credentials: { username_password: jonas } });
  await until(house, page, code.id, "needs_owner");
  await ask(house, page, "POST", "/tokens", { name: "Dashboard", scopes: ["read"] });
  // Nobody is there, so that it stays with what is waiting to be sent.
  const topic = { server: "http://127.0.0.1:9", topic: "freehold-k3j9x2m4" };
  const channel = await ask(house, page, "POST", "/notifications/channels", { kind: "ntfy", fields: topic });
  await ask(house, page, "POST", "/vault/recovery-key");
  const [records, runs, receipts, questions] = await Promise.all([
    ask(house, page, "GET", `/sources/${maria.id}/streams/messages/records`),
    ask(house, page, "GET", `/sources/${maria.id}/runs`),
    ask(house, page, "GET", "/receipts"),
    ask(house, page, "GET", "/interactions"),
  ]);
  return {
    "/sources/{id}": maria.id,
    "/removed-sources/{id}": old.id,
    "/receipts/{id}": receipts[0].id,
    "/interactions/{id}": questions[0].id,
    "/settings/notifications/channels/{id}": channel.id,
    "{kind}": "ntfy",
    "{connector}": "practice",
    "{name}": "practice",
    "{run}": runs[0].id,
    "{stream}": "messages",
    "{key}": records.records[0].key,
  };
}

/**
 * The address of a route for what there is.
 * @param {string} route
 * @param {Places} places
 */
function address(route, places) {
  const filled = Object.entries(places).reduce((path, [part, value]) => {
    const [folder, id] = part.startsWith("/") ? [part.replace("{id}", ""), "{id}"] : ["", part];
    return path.startsWith(folder) ? path.replace(id, encodeURIComponent(value)) : path;
  }, route);
  assert.ok(!filled.includes("{"), `pages.mjs does not know what to put into ${route}`);
  return filled;
}

/**
 * Letters are there.
 * @param {Page} page
 */
async function settled(page) {
  await page.evaluate(() => document.fonts.ready);
  // Where this journey's own files are is no part of a picture that others see.
  await page.evaluate(() => {
    for (const place of document.querySelectorAll(".mono")) {
      place.textContent = place.textContent?.replace(/\/\S*\/config\//, "/etc/freehold/") ?? "";
    }
  });
}

/**
 * The whole of a page is reached with Tab, what has the focus is seen, and nothing holds it; `/` filters, and `?` tells the keys.
 * @param {Page} page
 */
async function byKeyboard(page) {
  await page.goto(`${house.origin}/settings/audit`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  await page.goto(house.origin);
  const reached = await page.evaluate(() => document.querySelectorAll("a, button:not(dialog *), input, summary, select").length);
  const seen = new Set();
  for (let press = 0; press <= reached; press += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const focused = document.activeElement;
      const all = [...document.querySelectorAll("a, button, input, summary, select")];
      if (!focused || focused === document.body) {
        return undefined;
      }
      const shown = (/** @type {Element} */ element) => getComputedStyle(element).outlineStyle !== "none";
      return { index: all.indexOf(focused), isShown: shown(focused) || shown(focused.closest("li") ?? focused) };
    });
    if (at === undefined) break;
    assert.ok(at.isShown, `what is number ${at.index} in the page does not show that it has the focus`);
    seen.add(at.index);
  }
  assert.equal(seen.size, reached, "every link and button is reached with Tab");

  await page.goto(`${house.origin}/settings/audit`);
  await page.locator("h1").click();
  await page.keyboard.press("/");
  await page.keyboard.type("token create");
  await page.waitForURL("**/settings/audit?text=token+create");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.reload();
  assert.equal(await page.locator("tbody tr").count(), 1, "the address says what the list is narrowed to");
  await page.locator("h1").click();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog", { name: "Keys" }).count(), 0);
}

/**
 * Three tabs have one event stream, and all of them follow what happens; so do the two that are left when the one that had it is closed.
 * @param {Page} page
 */
async function oneStream(page) {
  const tabs = [page, await page.context().newPage(), await page.context().newPage()];
  let streams = 0;
  for (const tab of tabs) {
    tab.on("request", (request) => { if (request.url().endsWith("/api/v1/events")) streams += 1; });
    await tab.goto(`${house.origin}/settings/vault`);
  }
  const all = async (/** @type {string} */ word, /** @type {Page[]} */ of) => {
    await Promise.all(of.map((tab) => tab.locator("[data-live=vault] .sign", { hasText: word }).waitFor()));
  };
  await all("Unlocked", tabs);
  await ask(house, page, "POST", "/vault/lock");
  await all("Locked", tabs);
  assert.equal(streams, 1, "one stream for three tabs");
  // The page that is left may still tell what it hears for a moment: what follows is for the one that has the stream then.
  const taken = Promise.race(tabs.slice(1).map((tab) => tab.waitForRequest("**/api/v1/events")));
  await page.goto("about:blank");
  await taken;
  await ask(house, page, "POST", "/vault/unlock", {});
  await all("Unlocked", tabs.slice(1));
  assert.equal(streams, 2, "the one that had it is gone, and one of the others has it");
  await Promise.all(tabs.slice(1).map((tab) => tab.close()));
}

/**
 * A page whose server cannot be reached says so, for as long as that is so: what it shows may be old.
 * @param {Page} page
 */
async function away(page) {
  const context = await page.context().browser()?.newContext({ storageState: await page.context().storageState() });
  assert.ok(context);
  await context.route("**/api/v1/events", (route) => route.abort());
  const tab = await context.newPage();
  await tab.goto(house.origin);
  const said = tab.getByText("Freehold cannot be reached.");
  await said.waitFor();
  await context.unroute("**/api/v1/events");
  await said.waitFor({ state: "hidden" });
  await context.close();
}
