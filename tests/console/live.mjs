// The live view as an owner uses it, at the size of a laptop and of a phone: a source of the practice shop is connected by typing into
// the secure browser. `node tests/console/live.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

import { firstLine, start } from "./house.mjs";

const root = resolve(import.meta.dirname, "../..");
const screens = join(root, "test-results/screens");
const passphrase = "correct horse battery staple";
/** How long a step may take. Milliseconds. */
const LIMIT = 30_000;
const account = { email: "jonas@example.test", password: "seven-green-pears" };

const sizes = [
  { name: "laptop", width: 1280, height: 800, phone: false },
  { name: "phone", width: 390, height: 844, phone: true },
];

/** @typedef {import("playwright-core").Page} Page */

/** A practice shop of the journey's own. */
async function startShop() {
  const args = ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--until-stdin-closes"];
  const shop = spawn(join(root, "target/debug/freehold-practice"), args, { stdio: ["pipe", "pipe", "inherit"] });
  const { http } = JSON.parse(await firstLine(shop, () => true));
  return {
    port: new URL(`http://${http}`).port,
    origin: `http://${http}`,
    stop: async () => {
      const closed = once(shop, "exit");
      shop.stdin.end();
      await closed;
    },
  };
}

/**
 * First start, as run.mjs shows it step by step.
 * @param {Page} page
 * @param {import("./house.mjs").House} house
 */
async function moveIn(page, house) {
  await page.goto(house.origin);
  await page.getByLabel("Setup code").fill(house.setupCode);
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await page.getByLabel("The same passphrase again").fill(passphrase);
  await page.getByRole("button", { name: "Continue" }).click();
  const groups = await page.locator(".key-groups code").allTextContents();
  await page.getByRole("link", { name: "I have written it down" }).click();
  for (const field of await page.locator("input.code").all()) {
    const group = Number((await field.getAttribute("name"))?.replace("group", ""));
    await field.fill(groups[group - 1] ?? "");
  }
  await page.getByRole("button", { name: "Finish" }).click();
  await page.getByRole("heading", { name: "Nothing is collected yet" }).waitFor();
}

/**
 * The field that is laid over the page's, once it is there for a field of that kind. No password manager has a part in it.
 * @param {Page} page
 * @param {"" | ".live-masked" | "[autocomplete=one-time-code]"} kind
 */
async function overlaid(page, kind) {
  const field = page.locator(`input.live-field${kind || ":not(.live-masked, [autocomplete=one-time-code])"}`);
  await field.waitFor();
  const told = await field.evaluate((input) => input instanceof HTMLInputElement && [input.type, input.name, input.form]);
  assert.deepEqual(told, ["text", "", null]);
  return field;
}

/**
 * Presses the button of the page that is right below the field, where the owner sees it.
 * @param {Page} page
 * @param {import("playwright-core").Locator} field
 * @param {boolean} phone
 */
async function pressBelow(page, field, phone) {
  const box = await field.boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height + 34];
  await (phone ? page.touchscreen.tap(x, y) : page.mouse.click(x, y));
}

/** @param {typeof sizes[number]} size */
async function journey(size) {
  const [house, shop] = [await start(), await startShop()];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  try {
    const viewport = { width: size.width, height: size.height };
    const context = await browser.newContext({ viewport, hasTouch: size.phone, isMobile: size.phone, locale: "en-GB" });
    context.setDefaultTimeout(LIMIT);
    const page = await context.newPage();
    /** @type {string[]} */
    const wrong = [];
    page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
    page.on("pageerror", (error) => wrong.push(String(error)));
    /** @type {import("playwright-core").WebSocketRoute[]} */
    const sockets = [];
    await page.routeWebSocket("**/api/v1/live", (socket) => {
      sockets.push(socket);
      socket.connectToServer();
    });
    /** @param {string} name */
    const step = (name) => page.screenshot({ path: join(screens, `${size.name}-${name}.png`) });

    await moveIn(page, house);
    await page.goto(`${house.origin}/sources/add/practice?mode=streamed_browser`);
    await page.getByLabel("Name of this source").fill("Jonas's shop");
    await page.getByLabel("Port of the practice shop").fill(shop.port);
    await step("live-1-add");
    await page.locator("button.primary").click();
    await page.waitForURL("**/setup");
    await page.locator("a[href^='/interactions/']").first().click();
    await page.getByText("Connected.").waitFor();
    await page.locator("canvas[data-frame]").waitFor();
    await step("live-2-open");
    const asked = new URL(page.url());

    // Typing shows in a field of the console's own, and is in the page as soon as that has taken it.
    const email = await overlaid(page, "");
    await page.keyboard.type("jonas.wrong", { delay: 10 });
    for (let count = 0; count < ".wrong".length; count += 1) {
      await page.keyboard.press("Backspace");
    }
    await page.keyboard.insertText("@example.test");
    assert.equal(await email.inputValue(), account.email);
    await step("live-3-email");

    // The line breaks: it comes back by itself, and the field is as it was.
    const before = sockets.length;
    await sockets.at(-1)?.close();
    await page.waitForFunction(() => document.querySelector(".live-state")?.getAttribute("data-state") === "lost");
    await page.waitForFunction(() => document.querySelector(".live-state")?.getAttribute("data-state") === "you");
    assert.equal(sockets.length, before + 1);
    await page.waitForFunction((email) => /** @type {HTMLInputElement} */ (document.querySelector(".live-field")).value === email, account.email);
    await pressBelow(page, email, size.phone);

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
    await step("live-4-password");
    await page.keyboard.press("Enter");

    await overlaid(page, "[autocomplete=one-time-code]");
    await step("live-5-code");
    const texts = await (await fetch(`${shop.origin}/sms`)).text();
    await page.keyboard.type(/\b\d{6}\b/.exec(texts)?.[0] ?? "no code was sent");
    await page.keyboard.press("Enter");

    // It is over: the page goes on by itself, and no ticket can be had any more.
    await page.waitForURL("**/setup");
    await page.getByText(/^Done\. /).or(page.getByRole("link", { name: "Compare the accounts" })).waitFor();
    await step("live-6-signed-in");
    const address = `${house.origin}/api/v1${asked.pathname}/live`;
    const late = await context.request.post(address, { headers: { Origin: house.origin } });
    assert.deepEqual([late.status(), (await late.json()).code], [409, "no_longer_needed"]);
    assert.deepEqual(wrong, []);
  } catch (error) {
    console.error(house.log().slice(-6000));
    for (const context of browser.contexts()) {
      for (const page of context.pages()) {
        console.error(page.url(), (await page.locator("main").innerText().catch(() => "")).slice(0, 1500));
        await page.screenshot({ path: join(screens, `${size.name}-live-failed.png`) }).catch(() => {});
      }
    }
    throw error;
  } finally {
    await browser.close();
    await shop.stop();
    await house.stop();
  }
}

mkdirSync(screens, { recursive: true });
for (const size of sizes.filter((size) => process.argv.length < 3 || process.argv.includes(size.name))) {
  await journey(size);
  console.log(`live view, ${size.name}: as it should be`);
}
