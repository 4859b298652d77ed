// The console's journeys in a real browser, as a newcomer goes them, at the size of a laptop and of a phone:
// first start, a wrong password, the right one, the account, the records, a record, its file, the run.
// `node tests/console/run.mjs` ends with a status other than 0 if anything is not as it should be. Screenshots of each step are in
// test-results/screens.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { start } from "./house.mjs";
import { ask, atEverySize, givePassphrase, moveIn, setup, walk } from "./owner.mjs";

/**
 * Fills in the form of a source, with this password.
 * @param {import("./owner.mjs").Page} page
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

/**
 * What both links for a download give, as the records' keys in order: that of JSON Lines is compared with what the API says of them.
 * @param {import("./owner.mjs").Page} page
 * @param {{ key: string, data: object }[]} records
 */
async function download(page, records) {
  const take = async (/** @type {string} */ label) => {
    const link = page.getByRole("link", { name: label, exact: true });
    const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
  };
  const lines = await take("JSON Lines");
  assert.equal(lines.name, "Maria's mail messages.jsonl");
  const read = lines.text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(read.map(({ key, data }) => ({ key, data })), records.map(({ key, data }) => ({ key, data })));
  const table = await take("CSV");
  assert.equal(table.name, "Maria's mail messages.csv");
  const rows = cells(table.text);
  assert.deepEqual(rows[0]?.slice(0, 2), ["record_key", "record_time"]);
  assert.ok(rows.every((row) => row.length === rows[0]?.length), "every line has every column");
  assert.deepEqual(rows.slice(1).map(([key]) => key), records.map(({ key }) => key));
}

/**
 * A table as RFC 4180 writes it.
 * @param {string} text
 */
function cells(text) {
  /** @type {string[][]} */
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}

/**
 * A bar leads to just the records it counts, and each of the bars they are told apart by then to just its own.
 * @param {import("./owner.mjs").Page} page
 */
async function pressBar(page) {
  for (const bar of [page.locator(".chart svg a").nth(3), page.locator(".chart svg a").first()]) {
    const told = await bar.locator("title").textContent();
    await bar.locator(".bar").click();
    await page.waitForFunction((count) => document.querySelectorAll(".records tbody tr").length === count, Number(/: (\d+) record/.exec(told ?? "")?.[1]));
  }
  assert.equal(new URL(page.url()).searchParams.get("zone"), "Europe/Lisbon", "the days are the owner's");
  await page.goBack();
}

/**
 * From the first record of a list to its last, each once and in the list's order, and a step back; by the keys.
 * @param {import("./owner.mjs").Page} page
 */
async function walkList(page) {
  const links = page.locator(".records tbody a");
  const listed = await links.evaluateAll((all) => all.map((link) => /** @type {HTMLAnchorElement} */ (link).href));
  assert.ok(listed.length > 2, "a list to walk through");
  const press = (/** @type {string} */ key, /** @type {string | undefined} */ to) => Promise.all([page.waitForURL(to ?? "**"), page.keyboard.press(key)]);
  await links.first().click();
  for (const [place, url] of listed.entries()) {
    await page.getByText(`${place + 1} of ${listed.length}`, { exact: true }).waitFor();
    assert.equal(page.url(), url);
    if (place + 1 < listed.length) await press("j", listed[place + 1]);
  }
  assert.equal(await page.getByRole("link", { name: "Older" }).count(), 0, "the list has an end");
  await press("k", listed.at(-2));
  await page.getByRole("heading", { name: "Changes over time" }).waitFor();
}

await atEverySize("first start to records", async (size) => {
  const house = await start();
  await walk(size, house, async (owner) => {
    const { page, step } = owner;
    await moveIn(owner, house);

    // Add a source, with a wrong password: one prompt, and no second try with what was refused.
    await page.getByRole("main").getByRole("link", { name: "Add a source" }).click();
    await step("05-add");
    await page.getByRole("link", { name: /^Choose Mailbox/ }).click();
    await fillSource(page, house.mailbox, "not-the-password");
    await givePassphrase(page);
    await step("06-add-form");
    await page.locator("button.primary").click();
    await page.waitForURL(setup);
    await page.getByText("The provider refused the saved sign-in details.").waitFor();
    await step("07-refused");
    await page.goto(house.origin);
    assert.equal(await page.getByText("Needs you", { exact: true }).count(), 2, "one prompt: a heading and one card");
    await step("08-home-needs-you");
    await page.getByRole("link", { name: "Give sign-in details" }).click();
    await page.getByText("Never sent again: refused by the provider").waitFor();
    assert.equal(await page.getByLabel(/^App password/).inputValue(), "", "a secret is never shown again");
    await step("09-sign-in-details");

    // Replace it: verified, then collecting, all on one page that keeps itself up to date.
    await page.getByLabel("Username", { exact: true }).fill(house.mailbox.user);
    await page.getByLabel(/^App password/).fill(house.mailbox.password);
    await page.locator("input[name=consent]").check();
    await givePassphrase(page);
    await page.getByRole("button", { name: "Replace and verify" }).click();
    await page.waitForURL(setup);
    const done = page.getByText(/^Done\. /);
    const compare = page.getByRole("heading", { name: "Is this the right account?" });
    await compare.or(done).waitFor();
    if (await compare.isVisible()) {
      await page.getByText(house.mailbox.user).first().waitFor();
      await step("11-your-turn");
      await page.getByRole("button", { name: "Yes, this is my account" }).click();
      await page.waitForURL(setup);
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
    const id = new URL(page.url()).pathname.split("/")[2];
    const records = async (/** @type {string} */ text) => {
      return (await ask(house, page, "GET", `/sources/${id}/streams/messages/records?limit=500&text=${text}`)).records;
    };
    const all = await records("");
    assert.equal(all.length, counted);
    await download(page, all);
    await pressBar(page);
    await step("14-records-of-a-month");
    await page.getByRole("link", { name: "The whole time" }).click();
    await page.getByText(`${shown} records`).waitFor();
    await page.getByLabel("Filter records").fill("lake");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("that contain “lake”").waitFor();
    await step("15-records-filtered");
    const some = await records("lake");
    assert.ok(some.length > 0 && some.length < counted, "a filtered list is downloaded as it is filtered");
    await download(page, some);
    await walkList(page);
    await step("16-record");

    // The run that brought them.
    await page.getByRole("link", { name: "run", exact: true }).first().click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await step("17-run");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
    await page.getByText("Unlocked").waitFor();
    await step("18-settings");
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.getByRole("button", { name: "Check the whole log" }).click();
    await page.getByText("entries read").waitFor();
    await step("18-audit");
    await page.goto(house.origin);
    await page.getByText("Up to date").first().waitFor();
    await step("19-home");

    // A stream is deleted and left out, until it is collected again.
    await page.goto(`${house.origin}/sources/${id}/streams/messages`);
    await page.getByRole("link", { name: "Delete this stream…" }).click();
    await page.getByText("Backups made before keep all of it.").waitFor();
    assert.ok(await page.getByRole("radio", { name: "Leave it out" }).isChecked());
    await page.getByLabel("Type the source's name to confirm").fill("Maria's mail");
    await givePassphrase(page);
    await step("19-delete-stream");
    await page.getByRole("button", { name: "Delete Messages" }).click();
    const messages = page.locator("tr", { hasText: "Messages" });
    await messages.getByText("Left out").waitFor();
    await step("19-left-out");
    await page.getByRole("main").getByRole("button", { name: "Collect now" }).click();
    await page.getByText(/^Done/).first().waitFor();
    await page.goto(`${house.origin}/sources/${id}`);
    await messages.getByRole("button", { name: "Collect it again" }).click();
    await messages.getByText("Left out").waitFor({ state: "detached" });

    // Signed out is signed out.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${house.origin}/settings`);
    assert.equal(new URL(page.url()).pathname, "/sign-in");
    await step("20-sign-in");
  });
});
