// The console where no script runs, on a phone: first start, a source, other sign-in details for it, its records.
// `node tests/console/plain.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";

import { start } from "./house.mjs";
import { givePassphrase, moveIn, setup, sizes, walk } from "./owner.mjs";

const begun = Date.now();
const house = await start();
const phone = sizes.find((size) => size.phone);
assert.ok(phone);
await walk(phone, house, async (owner) => {
  const { page, step } = owner;
  await moveIn(owner, house);
  await page.getByRole("main").getByRole("link", { name: "Add a source" }).click();
  await page.getByRole("link", { name: /^Choose Mailbox/ }).click();
  await page.getByLabel("Name of this source").fill("Maria's mail");
  await page.getByLabel("Mail server").fill(house.mailbox.host);
  await page.getByLabel("Encryption").selectOption("plain");
  await page.getByLabel(/^Port/).fill(String(house.mailbox.port));
  const give = async (/** @type {string} */ password, /** @type {string} */ button) => {
    await page.getByLabel("Username", { exact: true }).fill(house.mailbox.user);
    await page.getByLabel(/^App password/).fill(password);
    await page.locator("input[name=consent]").check();
    await givePassphrase(page);
    await page.getByRole("button", { name: button }).click();
    await page.waitForURL(setup);
  };
  await give("not-the-password", "Save and sign in");
  // The page asks for itself again while something is under way, by what every browser does without a script.
  await page.getByText("The provider refused the saved sign-in details.").waitFor();
  await step("plain-refused");
  await page.getByRole("link", { name: "Give sign-in details" }).click();
  await give(house.mailbox.password, "Replace and verify");
  await page.getByText(/^Done\. /).waitFor();
  await step("plain-done");
  await page.getByRole("link", { name: "See the source" }).click();
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByLabel("Filter records").fill("lake");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("that contain “lake”").waitFor();
  await page.getByLabel("from", { exact: true }).fill("2025-01-01");
  await page.getByLabel("to", { exact: true }).fill("2025-12-31");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("that contain “lake” from 1 Jan 2025 to 31 Dec 2025").waitFor();
  const found = await page.locator(".records tbody tr").count();
  await page.getByText("As a table").click();
  const counts = await page.locator(".chart td.number").allTextContents();
  assert.equal(counts.reduce((sum, count) => sum + Number(count), 0), found, "the chart counts what the list shows");
  await page.locator(".records tbody a").first().click();
  await page.getByText(`1 of ${found}`, { exact: true }).waitFor();
  await page.getByRole("link", { name: "Older" }).click();
  await page.getByText(`2 of ${found}`, { exact: true }).waitFor();
  await page.getByRole("heading", { name: "Changes over time" }).waitFor();
  assert.match(await page.locator("time").first().innerText(), /UTC$/, "a time is told in full where no script makes it the owner's");
  await step("plain-record");
}, { scripts: false });
console.log(`ok   first start to records without scripts   ${((Date.now() - begun) / 1000).toFixed(1)} s`);
