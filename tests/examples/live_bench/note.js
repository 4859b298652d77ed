// Runs in the owner's own browser. Notes of each key that is typed when the frame that shows it was made, whether that was the first
// frame after it, and when the page at the other end was known to hold it. Times are milliseconds from the key on.
(() => {
  const field = () => document.querySelector("[data-part=field], #field");
  let typed = "";
  /** Keys on their way: what was typed by then, when, and the number their input has. */
  let sent = [];
  /** What was typed by the last key that the page is known to have. */
  let known = "";
  let pressed = 0;

  globalThis.restartNotes = () => {
    typed = known = "";
    sent = [];
    globalThis.notes = { shown: [], late: 0, equal: [], unequal: 0 };
  };
  restartNotes();

  addEventListener("keydown", (event) => {
    if (event.key.length !== 1) {
      return;
    }
    pressed = event.timeStamp;
    typed += event.key;
    const [at, now] = [pressed, typed];
    requestAnimationFrame(() => {
      notes.late += field().value.startsWith(now) ? 0 : 1;
      // Comes when this frame is painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        notes.shown.push(performance.now() - at);
        port1.close();
      };
      port2.postMessage(null);
    });
  }, { capture: true });

  const hear = (event) => {
    const said = typeof event.data === "string" ? JSON.parse(event.data) : {};
    if (said.kind !== "field" || !said.field || !typed) {
      return;
    }
    while (sent.length > 0 && sent[0].number <= said.after) {
      const { at, now } = sent.shift();
      notes.equal.push(performance.now() - at);
      known = now;
    }
    // It may be ahead of what it says, but never behind and never otherwise.
    notes.unequal += said.field.value.startsWith(known) && typed.startsWith(said.field.value) ? 0 : 1;
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const said = JSON.parse(data);
    if (said.ticket) {
      this.addEventListener("message", hear);
    } else if (said.kind === "key" && said.down) {
      sent.push({ number: said.number, at: pressed, now: typed });
    }
    return send.call(this, data);
  };
})();
