// The live view as an owner uses it, at the size of a laptop and of a phone: a source of the practice shop is connected by typing into
// the secure browser. `node tests/console/live.mjs` ends with a status other than 0 if anything is not as it should be.

import assert from "node:assert/strict";

import { start, startShop } from "./house.mjs";
import { atEverySize, moveIn, overlaid, pressBelow, walk } from "./owner.mjs";

const account = { email: "jonas@example.test", password: "seven-green-pears" };

await atEverySize("signing in by the live view", async (size) => {
  const [house, shop] = [await start(), await startShop()];
  await walk(size, house, async (owner) => {
    const { page, step } = owner;
    const context = page.context();
    /** @type {import("playwright-core").WebSocketRoute[]} */
    const sockets = [];
    await page.routeWebSocket("**/api/v1/live", (socket) => {
      sockets.push(socket);
      socket.connectToServer();
    });
    await moveIn(owner, house);
    await page.goto(`${house.origin}/sources/add/practice?mode=streamed_browser`);
    await page.getByLabel("Name of this source").fill("Jonas's shop");
    await page.getByLabel("Port of the practice shop").fill(shop.port);
    await step("live-1-add");
    await page.locator("button.primary").click();
    // The owner, who waits, is led to the sign-in.
    await page.waitForURL("**/interactions/*");
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
    await step("live-4-password");
    await page.keyboard.press("Enter");

    await overlaid(page, "[autocomplete=one-time-code]");
    await step("live-5-code");
    await page.keyboard.type(await shop.text());
    await page.keyboard.press("Enter");

    // It is over: the page goes on by itself, and no ticket can be had any more.
    const question = page.getByRole("heading", { name: "Is this the right account?" });
    await page.getByText(/^Done\. /).or(question).waitFor();
    await step("live-6-signed-in");
    const address = `${house.origin}/api/v1${asked.pathname}/live`;
    const late = await context.request.post(address, { headers: { Origin: house.origin } });
    assert.deepEqual([late.status(), (await late.json()).code], [409, "no_longer_needed"]);
  }).finally(shop.stop);
});
