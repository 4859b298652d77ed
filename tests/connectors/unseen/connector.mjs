// Books borrowed from a library, read with Playwright from a browser that somebody else has signed in. Of Freehold it knows the Collection
// Profile and one variable with an http address; it takes the first context and page there is.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin });
const closed = new Promise((resolve) => lines.once("close", resolve));
let emitted = 0;
let asked = 0;

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

class Failure extends Error {
  constructor(code, message, action) {
    super(message);
    this.error = { code, message, recovery_hint: { action }, retryable: action === "retry_by_runtime" };
  }
}

async function end(status, error) {
  write({ type: "DONE", status, records_emitted: emitted, ...(error && { error }) });
  await closed;
  process.exit(status === "succeeded" ? 0 : 1);
}

function record(target, data) {
  if (target.resources && !target.resources.includes(data.id)) return;
  const { since, until } = target.time_range ?? {};
  const at = Date.parse(data.borrowed_on);
  if ((since && at < Date.parse(since)) || (until && at >= Date.parse(until))) return;
  const kept = target.fields ? Object.fromEntries(Object.entries(data).filter(([name]) => target.fields.includes(name))) : data;
  write({ type: "RECORD", stream: target.name, key: data.id, data: kept, emitted_at: new Date().toISOString() });
  emitted += 1;
}

// Whether a person did what was asked for.
async function ask(message) {
  const answered = new Promise((resolve) => lines.once("line", (line) => resolve(JSON.parse(line))));
  write({ type: "INTERACTION", request_id: `ask-${(asked += 1)}`, kind: "manual_action", message });
  return (await answered).status === "success";
}

async function open(page, address) {
  const go = () => page.goto(address, { waitUntil: "domcontentloaded", timeout: 30_000 });
  let answer = await go();
  while ((await page.locator("form.door").count()) && (await ask("The library shows its door."))) answer = await go();
  if (answer && answer.status() >= 500) throw new Failure("library_down", "The library does not answer.", "retry_by_runtime");
  if (await page.locator("form.door").count()) {
    throw new Failure("signed_out", "The library asks for the card again.", "manual_action_required");
  }
  if (!(await page.locator("table.borrowed").count())) {
    throw new Failure("page_changed", "There is no list of borrowed books.", "update_selector");
  }
}

async function collect(start) {
  const target = start.scope.streams.find(({ name }) => name === "loans");
  const browser = await chromium.connectOverCDP(process.env.LIBRARY_CDP_URL);
  const context = browser.contexts()[0];
  const page = context.pages()[0] ?? (await context.newPage());
  const state = start.collection_mode === "incremental" ? start.state?.loans : null;
  // A book that was out then may have come back since.
  const from = state?.open_since ?? state?.last ?? "";
  let last = state?.last ?? "";
  let openSince = null;
  let next = `${process.env.LIBRARY_URL}/borrowed`;
  while (next) {
    await open(page, next);
    const loans = await page.locator("table.borrowed tbody tr").evaluateAll((rows) => rows.map((row) => ({
      id: row.id,
      title: row.querySelector("cite")?.textContent.trim(),
      author: row.querySelector(".by")?.textContent.trim() || null,
      borrowed_on: row.querySelector("time.out")?.dateTime,
      returned_on: row.querySelector("time.back")?.dateTime ?? null,
    })));
    if (loans.some(({ id, title, borrowed_on }) => !id || !title || !borrowed_on)) {
      throw new Failure("page_changed", "A borrowed book cannot be read.", "update_selector");
    }
    for (const loan of loans.filter(({ borrowed_on }) => borrowed_on >= from)) {
      if (target) record(target, loan);
      if (loan.borrowed_on > last) last = loan.borrowed_on;
      if (!loan.returned_on && (!openSince || loan.borrowed_on < openSince)) openSince = loan.borrowed_on;
    }
    write({ type: "PROGRESS", stream: "loans", message: `${emitted} books`, count: emitted });
    // Newest first: what follows is older still.
    const isPast = loans.some(({ borrowed_on }) => borrowed_on < from);
    next = isPast ? null : await page.locator("a[rel=next]").evaluateAll((links) => links[0]?.href ?? null);
  }
  const statements = start.scope.streams.find(({ name }) => name === "statements");
  if (statements) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("a.statement")]);
    const [path, filename] = ["blobs/statement", download.suggestedFilename()];
    await download.saveAs(join(process.env.TMPDIR, path));
    record(statements, { id: "statement", file: { $blob: { path, filename, media_type: "text/csv" } } });
  }
  if (target) write({ type: "STATE", stream: "loans", cursor: { last, ...(openSince && { open_since: openSince }) } });
}

lines.once("line", async (line) => {
  const start = JSON.parse(line);
  if (start.type !== "START") {
    process.stderr.write("START was expected\n");
    process.exit(2);
  }
  try {
    await collect(start);
    await end("succeeded");
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    const unknown = { code: "failed", message: "The library could not be read.", recovery_hint: { action: "unknown" }, retryable: true };
    await end("failed", error.error ?? unknown);
  }
});
