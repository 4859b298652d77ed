// Drives the connector's browser with Playwright as it comes. Arguments: where Playwright is, the http address, the site's origin.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const [playwright, address, origin] = process.argv.slice(2);
const { chromium } = createRequire(playwright)("playwright-core");

const seen = {};
const begun = performance.now();
const browser = await chromium.connectOverCDP(address);
seen.connect_ms = performance.now() - begun;

const context = browser.contexts()[0];
const page = context.pages()[0];
seen.contexts = browser.contexts().length;
seen.pages = context.pages().length;
seen.first = page.url();

await page.goto(`${origin}/orders`);
seen.title = await page.title();
await page.locator("#more").click();
await page.waitForSelector("#late");
seen.late = await page.locator("#late").textContent();
await page.fill("#name", "typed");
seen.value = await page.inputValue("#name");
seen.content = (await page.content()).includes("Orders");
seen.screenshot = (await page.screenshot()).length > 1000;
seen.frame = await page.frameLocator("#within").locator("p").textContent();
seen.cookies = (await context.cookies()).map((cookie) => cookie.name).sort();
await context.addInitScript(() => { window.added = 1; });
await context.exposeFunction("ask", (x) => x + 1);
await page.reload();
seen.added = await page.evaluate(() => window.added);
seen.asked = await page.evaluate(() => window.ask(1));
await page.route("**/replaced", (route) => route.fulfill({ body: "replaced" }));
seen.fetched = await page.evaluate(() => fetch("/replaced").then((answer) => answer.text()));
const answer = await page.goto(`${origin}/other`);
seen.status = answer.status();
seen.body = await answer.text();
await page.goBack();
seen.back = page.url();

const [download] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => { location.href = "/invoice"; })]);
seen.download = [download.suggestedFilename(), await readFile(await download.path(), "utf8")];
await download.saveAs(join(process.env.TMPDIR, "kept.csv"));
const [made] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["made here"]));
  link.download = "made.txt";
  link.click();
})]);
seen.made = await readFile(await made.path(), "utf8");

const second = await context.newPage();
await second.goto(`${origin}/second`);
seen.second = await second.locator("p").textContent();
const [popup] = await Promise.all([context.waitForEvent("page"), second.evaluate(() => { window.open("/popup"); })]);
await popup.waitForLoadState();
seen.popup = popup.url();
await popup.close();
await second.close();
const [worker] = await Promise.all([
  page.waitForEvent("worker"),
  page.evaluate(() => { new Worker(URL.createObjectURL(new Blob(["self.kept = 5"]))); }),
]);
seen.worker = await worker.evaluate(() => self.kept);
const session = await context.newCDPSession(page);
seen.session = (await session.send("Runtime.evaluate", { expression: "1 + 1" })).result.value;

const times = [];
for (let i = 0; i < 200; i++) {
  const before = performance.now();
  await page.evaluate(() => 1);
  times.push(performance.now() - before);
}
seen.evaluate_ms = times.sort((a, b) => a - b)[100];
await browser.close();
console.log(JSON.stringify(seen));
