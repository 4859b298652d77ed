// A source that keeps nothing, at the size of a laptop and of a phone: offered once its connector is proven here, signed in to each time,
// in the secure browser or with details for that run alone, and wiped with a receipt, whether it succeeds, is cancelled, or leaves
// something behind.
// `node tests/console/ephemeral.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { start, startShop } from "./house.mjs";
import { atEverySize, givePassphrase, moveIn, overlaid, passphrase, setup, walk } from "./owner.mjs";

/**
 * @typedef {import("./owner.mjs").Owner} Owner
 * @typedef {import("./owner.mjs").Page} Page
 * @typedef {import("./house.mjs").House} House
 * @typedef {import("./house.mjs").Shop} Shop
 */

/** Signs in with a password alone. */
const maria = { email: "maria@example.test", password: "sails-on-tuesday", orders: 69 };
const clean = "Everything of this run was removed, and nothing was found where it was looked afterwards.";

// Where the server puts what its runs have.
const scratch = mkdtempSync("/dev/shm/freehold-console-");
chmodSync(scratch, 0o711);
// The proof takes the longest, and both sizes live by it.
const [house, shop] = [await start({ FREEHOLD_SCRATCH_DIR: scratch }), await startShop()];
let isNew = true;

await atEverySize("a source that keeps nothing", async (size) => {
  await walk(size, { ...house, stop: async () => {} }, async (owner) => {
    const { page } = owner;
    if (isNew) {
      await moveIn(owner, house);
      await prove(owner);
      isNew = false;
    } else {
      await page.goto(house.origin);
      await page.getByLabel("Passphrase").fill(passphrase);
      await page.getByRole("button", { name: "Sign in" }).click();
    }
    const name = `Maria's shop on a ${size.name}`;
    const source = await setUp(owner, name);
    await withDetails(owner, source);
    await cancelled(owner, source);
    await left(owner, source);
    await reminded(owner, source);
    await kept(owner, source, name);
  });
}).finally(async () => {
  await Promise.all([house.stop(), shop.stop()]);
  rmSync(scratch, { recursive: true, force: true });
});

/**
 * Not proven here, it is not offered, and the connector's page says what to do.
 * @param {Owner} owner
 */
async function prove({ page, step }) {
  await page.goto(`${house.origin}/sources/add/practice`);
  assert.equal(await page.locator("input[value=ephemeral_browser]").count(), 0, "nothing unproven is offered");
  await page.goto(`${house.origin}/connectors`);
  await page.getByRole("link", { name: "Practice shop" }).click();
  await page.getByText("Not proven here").waitFor();
  await step("ephemeral-01-not-proven");
  const command = (await page.locator("code").innerText()).trim().split(" ");
  assert.equal(command.shift(), "freehold");
  await house.cli(...command);
  await page.reload();
  await page.getByText("Proven here").waitFor();
  await step("ephemeral-02-proven");
}

/**
 * Journey 3: the trade-off before anything begins, signing in, the records, and the receipt.
 * @param {Owner} owner
 * @param {string} name
 * @returns {Promise<string>} The address of the source.
 */
async function setUp({ page, step }, name) {
  await page.goto(`${house.origin}/sources/add/practice`);
  const choice = page.locator("label", { has: page.locator("input[value=ephemeral_browser]") });
  assert.match(await choice.innerText(), /you sign in each time, and there is no automatic schedule, only a reminder/);
  await choice.click();
  await step("ephemeral-03-mode");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("All of it is wiped when the run ends").waitFor();
  await page.getByLabel("Name of this source").fill(name);
  await page.getByLabel("Port of the practice shop").fill(shop.port);
  await page.getByLabel("Which account is it?").fill(maria.email);
  await step("ephemeral-04-trade-off");
  await page.getByRole("button", { name: "Continue" }).click();
  await signIn(page);
  await page.waitForURL(setup);
  await page.getByText(/^Done\. /).waitFor();
  assert.ok(await page.getByText(`Orders: ${maria.orders}`).isVisible());
  await page.getByRole("link", { name: "See the source" }).click();
  await page.getByRole("heading", { name: "Receipts" }).waitFor();
  const source = page.url();
  await step("ephemeral-05-source");
  assert.equal(await page.getByText("Browser profile").count(), 0);
  await page.getByRole("region", { name: "Receipts" }).getByRole("link").first().click();
  await page.getByText(clean).waitFor();
  await page.getByText("The provider's page said that it signed out.").waitFor();
  await step("ephemeral-06-receipt");
  const receipt = await (await page.request.get(`${house.origin}/api/v1${new URL(page.url()).pathname}`)).json();
  assert.ok(receipt.verified && receipt.found.files > 50 && receipt.found.processes > 2);
  const audit = await (await page.request.get(`${house.origin}/api/v1/audit?limit=1000`)).json();
  assert.ok(audit.some((/** @type {{ hash: string }} */ entry) => entry.hash === receipt.audit), "the audit log tells of it");
  assert.deepEqual(readdirSync(join(scratch, "r")), []);
  return source;
}

/**
 * Another run, with details for it alone, given on a page where no script runs.
 * @param {Owner} owner
 * @param {string} source
 */
async function withDetails({ page, step }, source) {
  await page.goto(source);
  await page.getByRole("link", { name: "Collect now" }).click();
  await page.getByRole("heading", { name: "With sign-in details for this run only" }).waitFor();
  await step("ephemeral-collect");
  const context = await page.context().browser()?.newContext({ javaScriptEnabled: false, storageState: await page.context().storageState() });
  assert.ok(context);
  const plain = await context.newPage();
  await plain.goto(page.url());
  await plain.getByLabel("E-mail address").fill(maria.email);
  await plain.getByLabel("Password", { exact: true }).fill(maria.password);
  await givePassphrase(plain);
  await plain.getByRole("button", { name: "Sign in with these and collect" }).click();
  await plain.waitForURL("**/runs/*");
  await page.goto(plain.url());
  await context.close();
  await page.getByText(/^Done\. Nothing new/).waitFor();
  await step("ephemeral-08-run");
  await page.getByRole("link", { name: "See its receipt" }).click();
  await page.getByText("User name and password").waitFor();
  await page.getByText(clean).waitFor();
}

/**
 * The owner calls a run off that waits in the secure browser, and reads its receipt.
 * @param {Owner} owner
 * @param {string} source
 */
async function cancelled({ page, step }, source) {
  await begin(page, source);
  await page.goto(source);
  await page.getByRole("row").getByRole("link").and(page.locator("[href*='/runs/']")).first().click();
  await page.getByRole("button", { name: "Cancel this run" }).click();
  await page.getByText("Cancelled by you.").waitFor();
  await page.getByText("Everything of this run is gone; a receipt says so.").waitFor();
  await step("ephemeral-09-cancelled");
  await page.getByRole("link", { name: "The receipt", exact: true }).click();
  await page.getByText(clean).waitFor();
  assert.deepEqual(readdirSync(join(scratch, "r")), []);
}

/**
 * Somebody is at work in a run's directory, so that its wipe cannot be verified: said loudly, and looked at again once they are gone.
 * @param {Owner} owner
 * @param {string} source
 */
async function left({ page, step }, source) {
  await begin(page, source);
  const [directory] = readdirSync(join(scratch, "r"));
  assert.ok(directory);
  const sleeper = spawn("sleep", ["600"], { cwd: join(scratch, "r", directory) });
  await once(sleeper, "spawn");
  await page.getByRole("button", { name: "Not now" }).click();
  await page.goto(house.origin);
  await page.getByRole("link", { name: "See what is left" }).waitFor();
  await step("ephemeral-10-home");
  await page.getByRole("link", { name: "See what is left" }).click();
  await page.getByRole("alert").getByText(`process ${sleeper.pid} (sleep)`).waitFor();
  await step("ephemeral-left");
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("alert").getByText(`process ${sleeper.pid} (sleep)`).waitFor();
  const ended = once(sleeper, "exit");
  sleeper.kill();
  await ended;
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByText(clean).waitFor();
  await page.goto(source);
  await page.getByText("Up to date").waitFor();
}

/**
 * A reminder in the place of a schedule.
 * @param {Owner} owner
 * @param {string} source
 */
async function reminded({ page, step }, source) {
  await page.goto(`${source}/change`);
  await page.getByLabel("How often you are reminded to collect it").selectOption("Remind me every 7 days");
  await givePassphrase(page);
  await step("ephemeral-12-change");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Remind me every 7 days").waitFor();
}

/**
 * All its receipts, in the settings, at the terminal, and once the source is gone.
 * @param {Owner} owner
 * @param {string} source
 * @param {string} name
 */
async function kept({ page, step }, source, name) {
  assert.match(await house.cli("source", "show", name), /Reminder +remind me every 7 days/);
  const listed = JSON.parse(await house.cli("--json", "receipts", name));
  assert.deepEqual(listed.map((/** @type {{ verified: boolean }} */ one) => one.verified), [true, false, false, true, true, true]);
  assert.match(await house.cli("receipt", name), /nothing was found where it was looked afterwards/);
  await page.goto(`${source}/remove`);
  await page.getByLabel("Type the source's name").fill(name);
  await givePassphrase(page);
  await page.getByRole("button", { name: "Remove this source" }).click();
  await page.getByRole("heading", { name: "The source was removed" }).waitFor();
  await step("ephemeral-13-removed");
  await page.getByRole("link", { name: "All receipts" }).click();
  await page.getByRole("searchbox").fill(name);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("cell", { name: "The source was removed" }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 7);
  await step("ephemeral-14-receipts");
}

/**
 * Collects in the secure browser, as far as its sign-in page.
 * @param {Page} page
 * @param {string} source
 */
async function begin(page, source) {
  await page.goto(`${source}/collect`);
  await page.getByRole("button", { name: "Open the secure browser" }).click();
  await overlaid(page, "");
}

/**
 * Signs in, in the secure browser.
 * @param {Page} page
 */
async function signIn(page) {
  await overlaid(page, "");
  await page.keyboard.type(maria.email, { delay: 5 });
  await page.keyboard.press("Enter");
  await overlaid(page, ".live-masked");
  await page.keyboard.type(maria.password, { delay: 5 });
  await page.keyboard.press("Enter");
}
