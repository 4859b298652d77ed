// The owner in a browser of theirs, at the size of a laptop and of a phone: what the journeys have in common.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

import { small } from "./small.mjs";

const results = resolve(import.meta.dirname, "../../test-results");
const screens = join(results, "screens");
/** Where the pictures for the documents go, if they are to be made. */
const docs = process.argv.includes("--docs") ? resolve(import.meta.dirname, "../../docs/screens") : undefined;
/** Every page by its route, with the name of its picture. @type {Record<string, string>} */
export const pages = JSON.parse(readFileSync(join(import.meta.dirname, "pages.json"), "utf8"));
/** What the documents have pictures of; of these, only those named on the command line, if some are. */
const pictures = [...Object.values(pages), "live-open", "wrong-person"];
const named = pictures.filter((name) => process.argv.includes(name));
const documented = named.length > 0 ? named : pictures;
export const passphrase = "correct horse battery staple";
/** The address of a setup's status. */
export const setup = /\/setup(\?|$)/;
/** How long a step may take. Milliseconds. */
const LIMIT = 30_000;

export const sizes = [
  { name: "laptop", width: 1280, height: 800, phone: false },
  { name: "phone", width: 390, height: 844, phone: true },
];

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("./house.mjs").House} House
 * @typedef {typeof sizes[number]} Size
 * @typedef {object} Owner
 * @property {Page} page
 * @property {Size} size
 * @property {(name: string) => Promise<void>} step Ends a step: nothing sticks out, every field has a label, and a picture is taken.
 * @property {() => { presses: number, fields: number, seconds: number }} effort Since the first page; pictures take none of the time.
 */

/**
 * Walks a journey at every size, or at the one named on the command line, and says how long each took.
 * @param {string} name
 * @param {(size: Size) => Promise<void>} journey
 */
export async function atEverySize(name, journey) {
  const wanted = sizes.filter((size) => process.argv.includes(size.name));
  for (const size of wanted.length > 0 ? wanted : sizes) {
    const begun = Date.now();
    await journey(size);
    console.log(`ok   ${name} on a ${size.name}   ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
}

/**
 * Opens the owner's browser, walks, and closes it and the house, whatever happened. No console error, no failed request.
 * @param {Size} size
 * @param {House} house
 * @param {(owner: Owner) => Promise<void>} steps
 * @param {{ scripts?: boolean, args?: string[], env?: Record<string, string> }} how
 */
export async function walk(size, house, steps, { scripts = true, args = [], env } = {}) {
  mkdirSync(screens, { recursive: true });
  const browser = await open(args, env);
  try {
    const viewport = { width: size.width, height: size.height };
    const context = await browser.newContext({ viewport, javaScriptEnabled: scripts, hasTouch: size.phone, isMobile: size.phone, timezoneId: "Europe/Lisbon", locale: "en-GB" });
    context.setDefaultTimeout(LIMIT);
    const counted = await countEffort(context);
    /** @type {string[]} */
    const wrong = [];
    context.on("page", (page) => listen(page, wrong));
    const page = await context.newPage();
    const begun = Date.now();
    let pictures = 0;
    const step = async (/** @type {string} */ name) => {
      const before = Date.now();
      await seen(page, size, name, { scripts });
      await picture(page, size, name);
      pictures += Date.now() - before;
    };
    const effort = () => ({ ...counted, seconds: (Date.now() - begun - pictures) / 1000 });
    await steps({ page, size, step, effort });
    assert.deepEqual(wrong, [], "no console error, no failed request");
  } catch (error) {
    const picture = join(results, `${size.name}-failed.png`);
    const page = browser.contexts()[0]?.pages()[0];
    await page?.screenshot({ path: picture, fullPage: true });
    throw new Error(`it stopped at ${page?.url()}, pictured in ${picture}; the server's log:\n${house.log()}`, { cause: error });
  } finally {
    await browser.close();
    await house.stop();
  }
}

/**
 * The owner's browser.
 * @param {string[]} [args] Further arguments.
 * @param {Record<string, string>} [env] Variables beside this process's own.
 */
export function open(args = [], env = {}) {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: [...asRoot, ...args], env: { ...process.env, ...env } });
}

/**
 * Notes what goes wrong in a page.
 * @param {Page} page
 * @param {string[]} wrong
 */
function listen(page, wrong) {
  page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("requestfailed", (request) => {
    // Leaving a page ends its event stream, and a look or a file it may have under way; that is no failure.
    const isPart = ["eventsource", "fetch", "image"].includes(request.resourceType()) || request.url().includes("/assets/");
    const left = isPart && request.failure()?.errorText === "net::ERR_ABORTED";
    if (!left) wrong.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on("response", (response) => { if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`); });
}

/**
 * Counts presses of a button or a finger, and fields that were changed.
 * @param {import("playwright-core").BrowserContext} context
 */
async function countEffort(context) {
  const counted = { presses: 0, fields: 0 };
  await context.exposeBinding("counted", (_, what) => { counted[/** @type {keyof typeof counted} */ (what)] += 1; });
  await context.addInitScript(() => {
    const { counted } = /** @type {{ counted: (what: string) => void }} */ (/** @type {unknown} */ (globalThis));
    addEventListener("pointerdown", () => counted("presses"), true);
    addEventListener("change", (event) => {
      if (!["checkbox", "radio"].includes(/** @type {HTMLInputElement} */ (event.target).type)) counted("fields");
    }, true);
  });
  return counted;
}

/**
 * Takes a picture of what is seen; for the documents too, if it is asked for and they have this one.
 * @param {Page} page
 * @param {Size} size
 * @param {string} name
 */
export async function picture(page, size, name) {
  const file = `${size.name}-${name}.png`;
  const taken = await page.screenshot({ path: join(screens, file), animations: "disabled" });
  if (docs && documented.includes(name)) {
    writeFileSync(join(docs, file), small(taken));
  }
}

/**
 * Nothing sticks out sideways, here and where it is narrower (the narrowest phone; between a phone and a laptop), and nothing keeps anybody from using it: axe's rules, which WCAG 2.2's
 * are among. In dark too where that is asked for, as far as colours go. Where no script runs, axe cannot either.
 * @param {Page} page
 * @param {Size} size
 * @param {string} name
 * @param {{ dark?: boolean, scripts?: boolean }} how
 */
export async function seen(page, size, name, { dark = false, scripts = true } = {}) {
  const live = await page.locator("canvas[data-frame]").isVisible();
  // The secure browser takes the owner's size, so what is in it would be laid out anew.
  for (const width of live ? [size.width] : size.phone ? [320, size.width] : [720, size.width]) {
    await page.setViewportSize({ width, height: size.height });
    const over = await page.evaluate((width) => document.documentElement.scrollWidth - width, width);
    assert.ok(over <= 0, `${name} is ${over} px wider than a screen of ${width} px`);
  }
  if (!scripts) {
    return;
  }
  await page.evaluate(axe.source);
  assert.deepEqual(await violations(page), [], `axe on ${name}`);
  if (dark) {
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await violations(page, ["color-contrast"]), [], `axe on ${name} in the dark`);
    await page.emulateMedia({ colorScheme: "light" });
  }
}

/**
 * What axe finds wrong, each with where.
 * @param {Page} page
 * @param {string[]} [rules] All of them if none is named.
 * @returns {Promise<string[]>}
 */
async function violations(page, rules) {
  const runOnly = rules && { type: /** @type {const} */ ("rule"), values: rules };
  const found = await page.evaluate((options) => /** @type {any} */ (globalThis).axe.run(document, options), { resultTypes: ["violations"], ...(runOnly && { runOnly }) });
  return found.violations.flatMap((/** @type {import("axe-core").Result} */ rule) => rule.nodes.map((node) => `${rule.id}: ${node.html} (${node.failureSummary})`));
}

/**
 * First start: nothing else is reachable before it.
 * @param {Pick<Owner, "page" | "step">} owner
 * @param {House} house
 */
export async function moveIn({ page, step }, house) {
  await page.goto(`${house.origin}/settings`);
  assert.equal(new URL(page.url()).pathname, "/start");
  await step("01-start");
  await page.getByLabel("Setup code").fill(house.setupCode);
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await page.getByLabel("The same passphrase again").fill(passphrase);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Write down your recovery key" }).waitFor();
  await step("02-recovery-key");
  const groups = await page.locator(".key-groups code").allTextContents();
  await page.getByRole("link", { name: "I have written it down" }).click();
  await page.getByRole("heading", { name: "Check your recovery key" }).waitFor();
  await step("03-check-key");
  for (const field of await page.locator("input.code").all()) {
    const group = Number((await field.getAttribute("name"))?.replace("group", ""));
    await field.fill(groups[group - 1] ?? "");
  }
  await page.getByRole("button", { name: "Finish" }).click();
  await page.getByRole("heading", { name: "Nothing is collected yet" }).waitFor();
  await step("04-home-empty");
}

/**
 * Gives the owner's passphrase where the page asks for it.
 * @param {Page} page
 */
export async function givePassphrase(page) {
  const again = page.getByLabel("Your Freehold passphrase");
  if (await again.count()) await again.fill(passphrase);
}

/**
 * The field that is laid over the page's, once it is there for a field of that kind. No password manager has a part in it.
 * @param {Page} page
 * @param {"" | ".live-masked" | "[autocomplete=one-time-code]"} kind
 */
export async function overlaid(page, kind) {
  const field = page.locator(`input.live-field${kind || ":not(.live-masked, [autocomplete=one-time-code])"}`);
  await field.waitFor();
  const told = await field.evaluate((input) => input instanceof HTMLInputElement && [input.type, input.name, input.form]);
  assert.deepEqual(told, ["text", "", null]);
  return field;
}

/**
 * Presses the button of the page that is right below the field, where the owner sees it.
 * @param {Owner} owner
 * @param {import("playwright-core").Locator} field
 */
export async function pressBelow({ page, size }, field) {
  const box = await field.boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height + 34];
  await (size.phone ? page.touchscreen.tap(x, y) : page.mouse.click(x, y));
}

/**
 * Asks the API in the owner's name.
 * @param {House} house
 * @param {Page} page
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {object} [data]
 */
export async function ask(house, page, method, path, data) {
  const answer = await page.request.fetch(`${house.origin}/api/v1${path}`, { method, data, headers: { Origin: house.origin } });
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? undefined : answer.json();
}

/**
 * Waits until a source has a status.
 * @param {House} house
 * @param {Page} page
 * @param {string} id
 * @param {string} status
 */
export async function until(house, page, id, status) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const source = await ask(house, page, "GET", `/sources/${id}`);
    if (source.status === status) {
      return;
    }
    assert.ok(Date.now() < deadline, `${source.name} is ${source.status}, not ${status}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}
