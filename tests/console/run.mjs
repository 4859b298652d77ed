// The console's journeys in a real browser, as a newcomer goes them, at the size of a laptop and of a phone:
// first start, a wrong password, the right one, the account, the records, a record, its file, the run.
// `node tests/console/run.mjs` ends with a status other than 0 if anything is not as it should be. Screenshots of each step are in
// test-results/screens.

import assert from "node:assert/strict";

import { start } from "./house.mjs";
import { atEverySize, givePassphrase, moveIn, setup, walk } from "./owner.mjs";

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

    // Signed out is signed out.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${house.origin}/settings`);
    assert.equal(new URL(page.url()).pathname, "/sign-in");
    await step("20-sign-in");
  });
});
