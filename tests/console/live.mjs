// The live view as an owner uses it, at the size of a laptop and of a phone: a source of the practice shop is connected by typing into
// the secure browser, with a file in each direction; and once in a browser whose password manager is on.
// `node tests/console/live.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { start, startShop } from "./house.mjs";
import { atEverySize, moveIn, overlaid, passphrase, pressBelow, walk } from "./owner.mjs";

/** @import { Page } from "playwright-core" */

const account = { email: "jonas@example.test", password: "seven-green-pears" };
/** Told of a field by the server, as if the page had one that the shop has none of. */
const field = {
  id: 1000, at: { x: 20, y: 20, width: 300, height: 120 }, inputmode: "", one_time_code: false, max_length: -1, selection: null,
  look: { font_size: 16, family: "sans-serif", weight: "400", color: "rgb(0, 0, 0)", background: "rgb(255, 255, 255)", inset: [8, 8, 8, 8], align: "left", letter_spacing: 0, line_height: 24 },
};

await atEverySize("signing in by the live view", async (size) => {
  const [house, shop] = [await start(), await startShop()];
  const folder = mkdtempSync(join(tmpdir(), "freehold-owner-"));
  await walk(size, house, async (owner) => {
    const { page, step } = owner;
    const context = page.context();
    await page.addInitScript(() => {
      const own = /** @type {any} */ (globalThis);
      own.sockets = [];
      own.WebSocket = class extends WebSocket {
        /** @param {string} address */
        constructor(address) {
          super(address);
          own.sockets.push(this);
        }
      };
    });
    await moveIn(owner, house);
    await shop.tell("/moods", { file_dialog: true });
    await connect(page, house.origin, shop.port, () => step("live-1-add"));
    await step("live-open");
    const asked = new URL(page.url());

    // What the page hands out is the owner's to save.
    await overlaid(page, "");
    for (const key of ["Tab", "Tab", "Enter"]) {
      await page.keyboard.press(key);
    }
    const save = page.getByRole("link", { name: "Save Terms of Lantern & Loom.txt" });
    await save.waitFor();
    await step("live-3-download");
    const address = new URL(await save.getAttribute("href") ?? "", house.origin).href;
    const [saved] = await Promise.all([page.waitForEvent("download"), save.click()]);
    assert.equal(saved.suggestedFilename(), "Terms of Lantern & Loom.txt");
    assert.match(await readFile(await saved.path(), "utf8"), /nothing here is binding/);
    const stranger = await context.browser()?.newContext();
    assert.equal((await stranger?.request.get(address))?.status(), 401);
    await stranger?.close();
    await page.getByRole("button", { name: "Close this list" }).click();
    for (const key of ["Shift+Tab", "Shift+Tab"]) {
      await page.locator("canvas").press(key);
    }

    // Typing shows in a field of the console's own, and is in the page as soon as that has taken it; so is what an input method makes.
    const email = await overlaid(page, "");
    await compose(page, ["に", "にほ", ""]);
    await compose(page, ["に", "にほ"], "日本");
    assert.equal(await email.inputValue(), "日本");
    await breakLine(page);
    await hasValue(page, "日本");
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("jonas.wrong", { delay: 10 });
    for (let count = 0; count < ".wrong".length; count += 1) {
      await page.keyboard.press("Backspace");
    }
    await page.keyboard.insertText("@example.test");
    assert.equal(await email.inputValue(), account.email);
    await step("live-4-email");

    // The line breaks: it comes back by itself, and the field is as it was.
    await breakLine(page);
    await hasValue(page, account.email);
    await pressBelow(owner, email);

    // Another window of the owner's watches, takes over, and hands back.
    const password = await overlaid(page, ".live-masked");
    const other = await context.newPage();
    await other.goto(asked.href);
    await other.getByText("You are watching.").waitFor();
    await other.getByRole("button", { name: "Take over" }).click();
    await other.getByText("Connected.").waitFor();
    await page.getByText("You are watching.").waitFor();
    await other.close();
    await page.getByText("Connected.").waitFor();
    await password.waitFor();
    await page.keyboard.type(account.password);
    await step("live-5-password");
    await page.keyboard.press("Enter");

    // The page asks for a picture. A choice can be taken back; a file that is too large is not sent at all.
    const dialog = page.getByRole("dialog", { name: "The page asks for a file of yours." });
    const ask = async () => {
      // A key that comes before the page does is lost, and pressed again.
      for (let tries = 0; tries < 20 && await dialog.isHidden(); tries += 1) {
        await page.locator("canvas").press("Space");
        await dialog.waitFor({ timeout: 1_000 }).catch(() => {});
      }
      assert.ok(await dialog.isVisible());
    };
    await ask();
    assert.equal(await dialog.locator("input").getAttribute("accept"), "image/*");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "hidden" });
    await ask();
    const choose = async (/** @type {string} */ name, /** @type {number} */ size) => {
      await writeFile(join(folder, name), Buffer.alloc(size, "x"));
      await dialog.locator("input").setInputFiles(join(folder, name));
    };
    await choose("large.png", 33 * 1024 * 1024);
    await dialog.getByText("large.png has 33 MiB. The most is 32 MiB.").waitFor();
    await step("live-6-too-large");
    assert.ok(await dialog.getByRole("button", { name: "Give it to the page" }).isDisabled());
    await choose("me.png", 1_500_000);
    await step("live-7-upload");
    await dialog.getByRole("button", { name: "Give it to the page" }).click();
    await page.getByText("The page has it.").waitFor();
    await step("live-8-given");
    for (const key of ["Tab", "Enter"]) {
      await page.locator("canvas").press(key);
    }

    await overlaid(page, "[autocomplete=one-time-code]");
    await step("live-9-code");
    await otherTexts(page);
    await overlaid(page, "[autocomplete=one-time-code]");
    await page.keyboard.type(await shop.text());
    await page.keyboard.press("Enter");

    // It is over: the page goes on by itself, and no ticket and no file can be had any more.
    const question = page.getByRole("heading", { name: "Is this the right account?" });
    await page.getByText(/^Done\. /).or(question).waitFor();
    await step("live-10-signed-in");
    const late = await context.request.post(`${house.origin}/api/v1${asked.pathname}/live`, { headers: { Origin: house.origin } });
    assert.deepEqual([late.status(), (await late.json()).code], [409, "no_longer_needed"]);
    assert.equal((await context.request.get(address)).status(), 404);
  }).finally(() => {
    rmSync(folder, { recursive: true });
    return shop.stop();
  });
});

if (!process.argv.includes("phone")) {
  await passwordManager();
}

/**
 * A browser whose password manager has the owner's login for the console: it is offered where the owner signs in, which shows that it
 * is on, and never in the secure browser. What is typed there is not taken for a login to be kept.
 */
async function passwordManager() {
  const begun = Date.now();
  const profile = mkdtempSync(join(tmpdir(), "freehold-owner-"));
  const [house, shop] = [await start(), await startShop()];
  // Playwright's own flag for automation turns saving off.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    ignoreDefaultArgs: ["--enable-automation"],
    viewport: { width: 1280, height: 800 },
  });
  try {
    const manager = await context.newPage();
    await manager.goto("chrome://password-manager/passwords");
    /** @param {string} call @param {unknown} [value] @returns {Promise<any>} */
    const passwords = (call, value) => manager.evaluate(
      ([call, value]) => /** @type {any} */ (globalThis).chrome.passwordsPrivate[call](...(value ? [value] : [])),
      /** @type {[string, unknown]} */ ([call, value]),
    );
    const page = await context.newPage();
    const seen = await context.newCDPSession(page);
    /** How often a login was offered, and how often there was one to be kept. */
    const counts = async () => {
      const { histograms } = await seen.send("Browser.getHistograms", { query: "PasswordManager." });
      return ["PasswordDropdownShown", "SuccessfulLoginHappened"].map((name) => histograms.find((one) => one.name === `PasswordManager.${name}`)?.count ?? 0);
    };
    const step = async () => {};
    await moveIn({ page, step }, house);
    await passwords("addPassword", { url: house.origin, username: "", password: passphrase, note: "", useAccountStore: false });

    // The control: where the owner signs in, it is filled in, offered, and seen being used.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator("input[type=password]:autofill").waitFor();
    const before = await counts();
    await page.locator("input[type=password]").click();
    await page.waitForFunction(() => /** @type {HTMLInputElement} */ (document.querySelector("input[type=password]")).value !== "");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Nothing is collected yet" }).waitFor();
    const control = await counts();
    assert.deepEqual(control, before.map((count) => count + 1), "the password manager is on");

    const kept = await passwords("getSavedPasswordList");
    assert.equal(kept.length, 1);
    await connect(page, house.origin, shop.port);
    const used = await counts();
    for (const [kind, text] of /** @type {const} */ ([["", account.email], [".live-masked", account.password]])) {
      const field = await overlaid(page, kind);
      await field.click();
      await page.keyboard.type(text, { delay: 5 });
      assert.equal(await page.locator(":autofill").count(), 0);
      assert.equal(await field.inputValue(), text);
      await page.keyboard.press("Enter");
    }
    await overlaid(page, "[autocomplete=one-time-code]");
    await page.keyboard.type(await shop.text(), { delay: 5 });
    await page.keyboard.press("Enter");
    await page.getByText(/^Done\. /).or(page.getByRole("heading", { name: "Is this the right account?" })).waitFor();
    assert.deepEqual(await counts(), used, "offered nowhere, and nothing to be kept");
    assert.deepEqual(await passwords("getSavedPasswordList"), kept);
  } catch (error) {
    throw new Error(`the password manager's journey stopped at ${context.pages().at(-1)?.url()}; the server's log:\n${house.log()}`, { cause: error });
  } finally {
    await context.close();
    await Promise.all([house.stop(), shop.stop()]);
    rmSync(profile, { recursive: true, force: true });
  }
  console.log(`ok   a password manager takes no part   ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

/**
 * Adds a source of the shop in the secure browser, and follows to its sign-in page.
 * @param {Page} page
 * @param {string} origin
 * @param {string} port
 * @param {() => Promise<void>} [filled] When the form is filled in.
 */
async function connect(page, origin, port, filled) {
  await page.goto(`${origin}/sources/add/practice?mode=streamed_browser`);
  await page.getByLabel("Name of this source").fill("Jonas's shop");
  await page.getByLabel("Port of the practice shop").fill(port);
  await filled?.();
  await page.locator("button.primary").click();
  // The owner, who waits, is led to the sign-in.
  await page.waitForURL("**/interactions/*");
  await page.getByText("Connected.").waitFor();
  await page.locator("canvas[data-frame]").waitFor();
}

/**
 * Writes with an input method, and ends with a text or with nothing.
 * @param {Page} page
 * @param {string[]} steps
 * @param {string} [end]
 */
async function compose(page, steps, end) {
  const keyboard = await page.context().newCDPSession(page);
  for (const text of steps) {
    await keyboard.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  }
  if (end) {
    await keyboard.send("Input.insertText", { text: end });
  }
  await keyboard.detach();
}

/**
 * Breaks the live view's line, and waits until it is back.
 * @param {Page} page
 */
async function breakLine(page) {
  await page.evaluate(() => /** @type {any} */ (globalThis).sockets.at(-1).close());
  const state = (/** @type {string} */ wanted) => page.waitForFunction((wanted) => document.querySelector(".live-state")?.getAttribute("data-state") === wanted, wanted);
  await state("lost");
  await state("you");
}

/**
 * Waits until the field that is laid over the page has that text.
 * @param {Page} page
 * @param {string} text
 */
async function hasValue(page, text) {
  await page.waitForFunction((text) => /** @type {HTMLInputElement} */ (document.querySelector(".live-field")).value === text, text);
}

/**
 * Longer texts and rich ones: what is typed over them, and what of it goes to the page. The server tells of no such field here, so it
 * is told in its place, and what is sent goes no further.
 * @param {Page} page
 */
async function otherTexts(page) {
  const socket = await page.evaluateHandle(() => {
    const socket = /** @type {any} */ (globalThis).sockets.at(-1);
    socket.sent = [];
    socket.send = (/** @type {string} */ message) => socket.sent.push(JSON.parse(message));
    return socket;
  });
  const tell = (/** @type {object} */ changes) => socket.evaluate(
    (socket, data) => socket.dispatchEvent(new MessageEvent("message", { data })),
    JSON.stringify({ kind: "field", after: 0, field: { ...field, ...changes } }),
  );
  /** Since this was last asked. */
  const texts = async () => {
    /** @type {any[]} */
    const sent = await socket.evaluate((socket) => socket.sent.splice(0));
    return sent.filter((input) => input.kind === "text" || (input.kind === "key" && input.down)).map((input) => input.text ?? input.key);
  };

  await tell({ type: "textarea", length: 3, value: "one", selection: [3, 3] });
  const lines = page.locator("textarea.live-field");
  await lines.waitFor();
  await page.keyboard.press("Enter");
  await page.keyboard.insertText("two");
  assert.deepEqual([await lines.inputValue(), await texts()], ["one\ntwo", ["Enter", "two"]]);

  await tell({ id: 1001, type: "rich", length: 0, value: null });
  const rich = page.locator("input.live-rich");
  await rich.waitFor({ state: "attached" });
  await compose(page, ["か"], "漢字");
  await tell({ id: 1001, type: "rich", length: 0, value: null, selection: null });
  await page.keyboard.press("x");
  await page.keyboard.press("Backspace");
  assert.deepEqual([await rich.inputValue(), await texts()], ["漢字", ["漢字", "x", "Backspace"]]);
  await breakLine(page);
}
