// The console's journeys in a real browser, as a newcomer goes them, at the size of a laptop and of a phone:
// first start, a wrong password, the right one, the account, the records, a record, its file, the run.
// `node tests/console/run.mjs` ends with a status other than 0 if anything is not as it should be. Screenshots of each step are in
// test-results/screens; with --docs they are made for docs/screens.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

import { start } from "./house.mjs";

const results = resolve(import.meta.dirname, "../../test-results");
const screens = process.argv.includes("--docs") ? resolve(import.meta.dirname, "../../docs/screens") : join(results, "screens");
const passphrase = "correct horse battery staple";
/** How long a step may take. Milliseconds. */
const LIMIT = 30_000;

const sizes = [
  { name: "laptop", width: 1280, height: 800 },
  { name: "phone", width: 390, height: 844 },
];

/** @typedef {import("playwright-core").Page} Page */

/**
 * A step is done: nothing sticks out sideways, here and on the narrowest phone, and a picture is taken.
 * @param {Page} page
 * @param {typeof sizes[number]} size
 * @param {string} name
 */
async function seen(page, size, name) {
  for (const width of [320, size.width]) {
    await page.setViewportSize({ width, height: size.height });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name} is ${over} px wider than a screen of ${width} px`);
  }
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter((field) => !("labels" in field) || !(/** @type {HTMLInputElement} */ (field).labels?.length)).length);
  assert.equal(unnamed, 0, `${name} has fields without a label`);
  await page.screenshot({ path: join(screens, `${size.name}-${name}.png`) });
}

/**
 * Fills in the form of a source, with this password.
 * @param {Page} page
 * @param {import("./house.mjs").Mailbox} mailbox
 * @param {string} password
 */
async function fillSource(page, mailbox, password) {
  await page.getByLabel("Name of this source").fill("Maria's mail");
  await page.getByLabel("Mail server").fill(mailbox.host);
  await page.getByLabel("Encryption").selectOption("plain");
  await page.getByLabel(/^Port/).fill(String(mailbox.port));
  await page.getByLabel("Username", { exact: true }).fill(mailbox.user);
  await page.getByLabel(/^App password/).fill(password);
  await page.locator("input[name=consent]").check();
}

/** @param {typeof sizes[number]} size */
async function journey(size) {
  const house = await start();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  try {
    const context = await browser.newContext({ viewport: { width: size.width, height: size.height }, timezoneId: "Europe/Lisbon", locale: "en-GB" });
    context.setDefaultTimeout(LIMIT);
    const page = await context.newPage();
    /** @type {string[]} */
    const wrong = [];
    page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("requestfailed", (request) => {
      // Leaving a page ends its event stream and the look it may have under way; that is no failure.
      const left = ["eventsource", "fetch"].includes(request.resourceType()) && request.failure()?.errorText === "net::ERR_ABORTED";
      if (!left) wrong.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
    });
    page.on("response", (response) => { if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`); });
    /** @param {string} name */
    const step = (name) => seen(page, size, name);

    // First start: nothing else is reachable before it.
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

    // Add a source, with a wrong password: one prompt, and no second try with what was refused.
    await page.getByRole("main").getByRole("link", { name: "Add a source" }).click();
    await step("05-add");
    await page.getByRole("link", { name: /^Choose/ }).first().click();
    await fillSource(page, house.mailbox, "not-the-password");
    const again = page.getByLabel("Your Freehold passphrase");
    if (await again.count()) await again.fill(passphrase);
    await step("06-add-form");
    await page.locator("button.primary").click();
    await page.waitForURL("**/setup");
    await page.getByText("The provider refused the saved sign-in details.").waitFor();
    await step("07-refused");
    await page.goto(house.origin);
    assert.equal(await page.getByText("Needs you", { exact: true }).count(), 2, "one prompt: a heading and one card");
    await step("08-home-needs-you");
    await page.getByRole("link", { name: "Give sign-in details" }).click();
    await page.getByText("Refused by the provider; never sent again").waitFor();
    assert.equal(await page.getByLabel(/^App password/).inputValue(), "", "a secret is never shown again");
    await step("09-sign-in-details");

    // Replace it: verified, then collecting, all on one page that keeps itself up to date.
    await page.getByLabel("Username", { exact: true }).fill(house.mailbox.user);
    await page.getByLabel(/^App password/).fill(house.mailbox.password);
    await page.locator("input[name=consent]").check();
    if (await again.count()) await again.fill(passphrase);
    await page.getByRole("button", { name: "Replace and verify" }).click();
    await page.waitForURL("**/setup");
    const compare = page.getByRole("link", { name: "Compare the accounts" });
    const done = page.getByText(/^Done\. /);
    await compare.or(done).waitFor();
    if (await compare.isVisible()) {
      await step("10-which-account");
      await compare.click();
      await page.getByText(house.mailbox.user).first().waitFor();
      await step("11-your-turn");
      await page.getByRole("button", { name: "Yes, this is my account" }).click();
      await page.waitForURL("**/setup");
    }
    await done.waitFor();
    await step("12-done");

    // The source, its records, one record, its file.
    await page.getByRole("link", { name: "See the source" }).click();
    await page.getByText("Verified", { exact: false }).first().waitFor();
    await step("13-source");
    const shown = await page.locator("tr", { hasText: "Messages" }).locator("td").first().textContent();
    const counted = Number(shown?.replace(/\D/g, ""));
    assert.ok(counted > 0, "messages are counted");
    await page.getByRole("link", { name: "Messages" }).click();
    await page.getByText(`${shown} records`).waitFor();
    await step("14-records");
    await page.getByLabel("Filter records").fill("lake");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("that contain “lake”").waitFor();
    await step("15-records-filtered");
    await page.locator(".records tbody a").first().click();
    await page.getByRole("heading", { name: "Changes over time" }).waitFor();
    await step("16-record");

    // The run that brought them.
    await page.getByRole("link", { name: "run", exact: true }).first().click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await step("17-run");
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Check the whole log" }).click();
    await page.getByText("entries read").waitFor();
    await step("18-settings");
    await page.goto(house.origin);
    await page.getByText("Up to date").first().waitFor();
    await step("19-home");

    // Signed out is signed out.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${house.origin}/settings`);
    assert.equal(new URL(page.url()).pathname, "/sign-in");
    await step("20-sign-in");
    assert.deepEqual(wrong, [], "no console error, no failed request");
  } catch (error) {
    const picture = join(results, `${size.name}-failed.png`);
    await browser.contexts()[0]?.pages()[0]?.screenshot({ path: picture, fullPage: true });
    throw new Error(`the page where it stopped is in ${picture}; the server's log:\n${house.log()}`, { cause: error });
  } finally {
    await browser.close();
    await house.stop();
  }
}

for (const program of ["freehold", "examples/demo_mailbox"]) {
  if (!existsSync(resolve(import.meta.dirname, "../../target/debug", program))) {
    console.error(`target/debug/${program} is missing: run cargo build -p freehold, and cargo build -p freehold-dovecot --examples`);
    process.exit(1);
  }
}
mkdirSync(screens, { recursive: true });
mkdirSync(results, { recursive: true });
const wanted = process.argv[2];
let passed = 0;
for (const size of sizes.filter((size) => !wanted || size.name === wanted)) {
  const begun = Date.now();
  await journey(size);
  passed += 1;
  console.log(`ok   first start to records on a ${size.name}   ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}
assert.ok(passed > 0, "no journey was run");
console.log(`${passed} journeys passed`);
