// @ts-check
// The owner's hands: mouse, wheel, fingers and keys, as the live view's input.

/** @import { Screen } from "./screen.js" */

/** @typedef {(input: Record<string, unknown>) => void} Send Sends an input, and gives it its number. */

const BUTTONS = ["left", "middle", "right"];
/** Two presses within this time and distance are a double one. Milliseconds, CSS pixels. */
const DOUBLE = { time: 500, distance: 6 };
const isMac = /mac/i.test(navigator.platform);

/**
 * Alt 1, Ctrl 2, Meta 4, Shift 8. Ctrl and Alt that together make AltGr, and Cmd where it is what Ctrl is elsewhere, are read as
 * what they mean.
 * @param {MouseEvent | KeyboardEvent} event
 */
export function modifiers(event) {
  const composes = event.getModifierState("AltGraph");
  const control = (event.ctrlKey && !composes) || (isMac && event.metaKey);
  const meta = event.metaKey && !isMac;
  return (event.altKey && !composes && !isMac ? 1 : 0) + (control ? 2 : 0) + (meta ? 4 : 0) + (event.shiftKey ? 8 : 0);
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} down
 */
export function key(event, down) {
  const { key, code, keyCode: key_code, location, repeat } = event;
  return { kind: "key", down, key, code, key_code, location, repeat, modifiers: modifiers(event) };
}

/**
 * Mouse, wheel and fingers on the stage.
 * @param {HTMLElement} stage
 * @param {HTMLCanvasElement} canvas
 * @param {Screen} screen
 * @param {Send} send
 */
export function hands(stage, canvas, screen, send) {
  let clicks = 0;
  let last = { time: 0, x: 0, y: 0 };
  let pressed = false;
  /** @type {Record<string, unknown> | undefined} */
  let moved;

  /**
   * @param {PointerEvent} event
   * @param {"move" | "down" | "up"} action
   */
  const mouse = (event, action) => ({
    kind: "pointer",
    frame: screen.frame?.number ?? 0,
    action,
    ...screen.place(event.clientX, event.clientY),
    button: action === "move" ? "none" : BUTTONS[event.button] ?? "left",
    buttons: event.buttons & 7,
    clicks,
    modifiers: modifiers(event),
  });
  const flush = () => {
    if (moved) {
      send(moved);
      moved = undefined;
    }
  };

  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();
  let pinching = false;
  /** @param {"move" | "down" | "up" | "cancel"} action */
  const touch = (action) => {
    const points = [...fingers.values()].map((finger) => ({ id: finger.pointerId % 1000, ...screen.place(finger.clientX, finger.clientY) }));
    send({ kind: "touch", frame: screen.frame?.number ?? 0, action, points });
  };
  /** The middle between two fingers, in the stage, and their distance. */
  const spread = () => {
    const [one, two] = [...fingers.values()];
    const box = stage.getBoundingClientRect();
    const x = (one.clientX + two.clientX) / 2 - box.left;
    const y = (one.clientY + two.clientY) / 2 - box.top;
    return { x, y, distance: Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) || 1 };
  };

  /** @param {PointerEvent} event */
  const isOnPage = (event) => event.target === canvas || (event.target instanceof HTMLElement && event.target.dataset.part === "field");

  stage.addEventListener("pointerdown", (event) => {
    if (!isOnPage(event)) {
      return;
    }
    if (event.pointerType === "touch") {
      if (event.target === canvas) {
        canvas.setPointerCapture(event.pointerId);
      }
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        pinching = true;
        const down = new Map(fingers);
        fingers.clear();
        touch("cancel");
        down.forEach((finger, id) => fingers.set(id, finger));
      } else if (fingers.size === 1) {
        touch("down");
      }
      return;
    }
    const near = Math.hypot(event.clientX - last.x, event.clientY - last.y) < DOUBLE.distance;
    clicks = near && event.timeStamp - last.time < DOUBLE.time ? (clicks % 3) + 1 : 1;
    last = { time: event.timeStamp, x: event.clientX, y: event.clientY };
    pressed = true;
    if (event.target === canvas) {
      canvas.setPointerCapture(event.pointerId);
    }
    flush();
    send(mouse(event, "down"));
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") {
      if (!fingers.has(event.pointerId)) {
        return;
      }
      if (pinching && fingers.size === 2) {
        const before = spread();
        fingers.set(event.pointerId, event);
        const now = spread();
        screen.zoom(now.distance / before.distance, now.x, now.y, now.x - before.x, now.y - before.y);
      } else if (!pinching) {
        fingers.set(event.pointerId, event);
        touch("move");
      }
    } else if (isOnPage(event)) {
      // At most one with every frame of the owner's own screen.
      if (!moved) {
        requestAnimationFrame(flush);
      }
      moved = mouse(event, "move");
    }
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch") {
      const was = fingers.delete(event.pointerId);
      if (was && !pinching) {
        touch(event.type === "pointercancel" ? "cancel" : "up");
      }
      pinching &&= fingers.size > 0;
    } else if (pressed) {
      pressed = false;
      flush();
      send(mouse(event, "up"));
    }
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  // Focus stays where typing goes: on the field that is laid over the page, or on the page.
  canvas.addEventListener("mousedown", (event) => event.preventDefault());
  stage.addEventListener("wheel", (event) => {
    if (event.target !== canvas || event.ctrlKey) {
      return;
    }
    event.preventDefault();
    const unit = [1, 40, canvas.offsetHeight][event.deltaMode] ?? 1;
    const { x, y } = screen.place(event.clientX, event.clientY);
    send({ kind: "wheel", x, y, dx: event.deltaX * unit, dy: event.deltaY * unit, modifiers: modifiers(event) });
  }, { passive: false });
}

/**
 * What keys do that go to the page and not to a field laid over it.
 * @param {HTMLElement} target
 * @param {Send} send
 * @param {{ leave: () => void, copy: (cut: boolean) => void }} own
 */
export function keys(target, send, own) {
  /** @type {Set<string>} */
  const held = new Set();
  target.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && modifiers(event) === 0) {
      own.leave();
      return;
    }
    const command = modifiers(event) & 7;
    const letter = event.key.toLowerCase();
    if (command === 2 && (letter === "c" || letter === "x")) {
      event.preventDefault();
      own.copy(letter === "x");
      return;
    }
    // Pasting comes as its own event; the browser's other commands stay the browser's.
    if (event.isComposing || (command === 2 && letter === "v") || (command & 6 && !["a", "z", "y"].includes(letter) && letter.length === 1)) {
      return;
    }
    event.preventDefault();
    held.add(event.code);
    send(key(event, true));
  });
  target.addEventListener("keyup", (event) => {
    if (held.delete(event.code)) {
      event.preventDefault();
      send(key(event, false));
    }
  });
  target.addEventListener("blur", () => held.clear());
  target.addEventListener("paste", (event) => {
    event.preventDefault();
    const text = event.clipboardData?.getData("text/plain");
    if (text) {
      send({ kind: "text", text });
    }
  });
}
