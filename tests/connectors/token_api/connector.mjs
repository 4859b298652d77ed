// Notes by token, collected by the Collection Profile and nothing beyond it. The token comes in a variable.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });
const closed = new Promise((resolve) => lines.once("close", resolve));
let emitted = 0;

const write = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function end(status, error) {
  write({ type: "DONE", status, records_emitted: emitted, ...(error && { error }) });
  await closed;
  process.exitCode = status === "succeeded" ? 0 : 1;
}

function record(target, data, time) {
  if (target.resources && !target.resources.includes(data.id)) return;
  const { since, until } = target.time_range ?? {};
  const at = Date.parse(time);
  if ((since && at < Date.parse(since)) || (until && at >= Date.parse(until))) return;
  const kept = target.fields ? Object.fromEntries(Object.entries(data).filter(([name]) => target.fields.includes(name))) : data;
  write({ type: "RECORD", stream: target.name, key: data.id, data: kept, emitted_at: new Date().toISOString() });
  emitted += 1;
}

async function collect(start) {
  const token = process.env.NOTES_TOKEN ?? "";
  if (process.env.NOTES_AUTHORIZATION !== `Bearer ${token}` || process.env.NOTES_PAT !== token || token === "") {
    return end("failed", { code: "token_missing", message: "The token did not come.", retryable: false });
  }
  if (token === "wrong") {
    const message = "Notes refused the token.";
    return end("failed", { code: "token_refused", message, recovery_hint: { action: "refresh_credentials" }, retryable: false });
  }
  const targets = new Map(start.scope.streams.map((target) => [target.name, target]));
  const profile = targets.get("profile");
  if (profile) record(profile, { id: `owner-of-${token.length}`, name: "Token owner" });
  const notes = targets.get("notes");
  if (notes) {
    const state = start.collection_mode === "incremental" ? start.state : null;
    const after = state?.notes?.last ?? 0;
    const count = Number(process.env.NOTE_COUNT || 25);
    for (let number = after + 1; number <= count; number += 1) {
      const time = new Date(Date.UTC(2026, 0, 1 + number)).toISOString();
      record(notes, { id: `note-${number}`, title: `Note ${number}`, text: "", source_updated_at: time }, time);
    }
    write({ type: "STATE", stream: "notes", cursor: { last: Math.max(after, count) } });
  }
  return end("succeeded");
}

lines.once("line", (line) => {
  const start = JSON.parse(line);
  if (start.type !== "START") {
    process.stderr.write("START was expected\n");
    process.exit(2);
  }
  collect(start);
});
