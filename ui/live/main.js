// @ts-check
// The live view on an interaction's page: the owner sees and drives the source's browser.

import { Overlay } from "./field.js";
import { Asked, Offered } from "./files.js";
import { hands, keys } from "./hands.js";
import { Line } from "./line.js";
import { Screen } from "./screen.js";

/** @import { Choice, Dialog, Rectangle, Said, Tab } from "./line.js" */

/** How long a notice stays. Milliseconds. */
const NOTICE = 6_000;
/** What is seen of the console below the page, so that it can be scrolled there by touch. CSS pixels. */
const BELOW = 48;
const SMALLEST = 320;

const root = /** @type {HTMLElement} */ (document.getElementById("live"));
/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} name
 */
const part = (name) => /** @type {T} */ (root.querySelector(`[data-part="${name}"]`));

const stage = part("stage");
const page = part("page");
const canvas = /** @type {HTMLCanvasElement} */ (part("canvas"));
const state = part("state");
const drive = part("drive");
const touches = matchMedia("(pointer: coarse)").matches;

let number = 0;
/** Whether an answer is on its way from a form of this page, which then leads on by itself. */
let answering = false;
addEventListener("submit", () => {
  answering = true;
});
let driver = /** @type {"you" | "other" | "nobody" | ""} */ ("");
let drove = false;
let filling = false;
let line_state = /** @type {"waiting" | "broken" | "there" | ""} */ ("");
let notice = "";
/** The number of the copy whose text is awaited, and what to do with it. */
let wanted = 0;

const line = new Line(root.dataset.interaction ?? "", {
  opened: () => {
    number = 0;
    overlay.restart();
    line_state = "there";
    tell();
    if (drove) {
      line.send({ kind: "take_over" });
    }
  },
  frame: (bytes) => screen.show(bytes),
  said: hear,
  lost: (why) => {
    line_state = why;
    driver = "";
    tell();
  },
  over: () => {
    if (!answering) {
      location.assign(root.dataset.after ?? "/");
    }
  },
});

/** @param {Record<string, unknown>} input */
function send(input) {
  number += 1;
  line.send({ number, ...input });
  return number;
}

const screen = new Screen(stage, page, canvas, (frame) => line.send({ kind: "drawn", frame }));
const overlay = new Overlay(page, canvas, screen, send, { leave, copy });
screen.drawn = () => overlay.place();
hands(stage, canvas, screen, send);
keys(canvas, send, { leave, copy });
const asked = new Asked(part, line, (given) => {
  if (given) {
    say("The page has it.");
  }
  canvas.focus({ preventScroll: true });
});
const offered = new Offered(part, root.dataset.interaction ?? "");

/** @param {Said} said */
function hear(said) {
  switch (said.kind) {
    case "state":
      if (said.driver === "you" && driver !== "you") {
        overlay.driving = true;
        overlay.restart();
        resize();
        if (!drove) {
          root.scrollIntoView();
        }
        drove = true;
      }
      driver = said.driver;
      drove &&= driver === "you";
      overlay.driving = driver === "you";
      asked.drive(driver === "you");
      if (driver !== "you") {
        overlay.show(null, 0);
      }
      filling = said.filling;
      tell();
      break;
    case "tabs":
      showTabs(said.tabs, said.shown);
      break;
    case "field":
      overlay.show(said.field, said.after);
      break;
    case "dialog":
      ask(said.dialog);
      break;
    case "choices":
      choose(said.choices);
      break;
    case "copied":
      if (said.after >= wanted) {
        copied(said.text);
      }
      break;
    case "chooser":
      asked.show(said.chooser);
      break;
    case "not_given":
      say(asked.refused(said.why));
      break;
    case "downloads":
      offered.show(said.downloads);
      break;
    case "closed":
      state.textContent = "The browser has ended. The run goes on without it, or says what is wrong.";
      break;
  }
}

/** Says how things stand, in one line. */
function tell() {
  const words = {
    "": "Connecting…",
    waiting: "The secure browser is being started…",
    broken: "The connection broke. Reconnecting…",
    there: {
      you: touches ? "Connected. Tap and type." : "Connected. What you click and type goes to the page.",
      other: "You are watching. Somebody else of yours drives.",
      nobody: "You are watching. Nobody drives.",
      "": "Connecting…",
    }[driver],
  }[line_state];
  const filled = line_state === "there" && filling;
  state.textContent = filled ? "Freehold is filling this in. It is your turn again in a moment." : notice || words;
  state.dataset.state = filled ? "filling" : line_state === "there" ? driver : "lost";
  const veil = part("veil");
  veil.hidden = !(filled || (line_state !== "there" && line_state !== ""));
  veil.textContent = veil.hidden ? "" : state.textContent;
  drive.hidden = line_state !== "there";
  drive.textContent = driver === "you" ? "Hand back" : "Take over";
  for (const name of ["back", "reload", "copy", "paste"]) {
    /** @type {HTMLButtonElement} */ (part(name)).disabled = driver !== "you" || filled;
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticed;
/** @param {string} text */
function say(text) {
  notice = text;
  clearTimeout(noticed);
  noticed = setTimeout(() => {
    notice = "";
    tell();
  }, NOTICE);
  tell();
}

/** Leaves the page with the keyboard, for what is after it. */
function leave() {
  const next = document.querySelector("main .actions button, main .actions a");
  if (next instanceof HTMLElement) {
    next.focus();
  }
}

/** The page takes the owner's size. A phone's keyboard, which comes and goes, does not change it. */
function resize() {
  const width = stage.clientWidth;
  const above = stage.getBoundingClientRect().top - root.getBoundingClientRect().top;
  const room = Math.max(innerHeight - above - BELOW, SMALLEST);
  const height = Math.round(touches ? room : Math.min(room, (width * 10) / 16));
  stage.style.height = `${height + stage.offsetHeight - stage.clientHeight}px`;
  screen.resized();
  overlay.place();
  if (driver === "you" || overlay.driving) {
    line.send({ kind: "resize", width, height, scale: Math.min(devicePixelRatio, 2), touch: touches });
  }
}
let seen = { width: 0, turned: false };
new ResizeObserver(() => {
  const now = { width: stage.clientWidth, turned: innerWidth > innerHeight };
  if (now.width !== seen.width || now.turned !== seen.turned) {
    seen = now;
    resize();
  }
}).observe(stage);

/**
 * @param {Tab[]} tabs
 * @param {number} shown
 */
function showTabs(tabs, shown) {
  const current = tabs.find((tab) => tab.id === shown);
  part("address").textContent = current?.address ?? "";
  const buttons = tabs.map((tab) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "live-tab";
    button.textContent = tab.title || tab.address || "New page";
    button.setAttribute("aria-pressed", String(tab.id === shown));
    button.addEventListener("click", () => line.send({ kind: "show", tab: tab.id }));
    if (tabs.length === 1) {
      return [button];
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "live-close quiet";
    close.textContent = "×";
    close.setAttribute("aria-label", `Close ${button.textContent}`);
    close.addEventListener("click", () => line.send({ kind: "close", tab: tab.id }));
    return [button, close];
  });
  part("tabs").replaceChildren(...buttons.flat());
}

/** @param {Dialog | null} dialog */
function ask(dialog) {
  part("ask").hidden = dialog === null;
  if (!dialog) {
    return;
  }
  const text = /** @type {HTMLInputElement} */ (part("ask-text"));
  part("ask-from").textContent = `${dialog.from} says`;
  part("ask-message").textContent = dialog.message;
  text.hidden = dialog.form !== "prompt";
  text.value = dialog.proposed;
  part("ask-no").hidden = dialog.form === "alert";
  (text.hidden ? part("ask-yes") : text).focus();
}
/** @param {boolean} accept */
function answer(accept) {
  line.send({ kind: "answer", accept, text: /** @type {HTMLInputElement} */ (part("ask-text")).value });
  canvas.focus({ preventScroll: true });
}
part("ask-yes").addEventListener("click", () => answer(true));
part("ask-no").addEventListener("click", () => answer(false));
part("ask").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    answer(false);
  } else if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
    answer(true);
  }
});

/** @param {{ at: Rectangle, options: Choice[] } | null} choices */
function choose(choices) {
  const list = part("choices");
  const had = list.contains(document.activeElement);
  list.hidden = choices === null;
  list.replaceChildren();
  if (!choices) {
    if (had) {
      canvas.focus({ preventScroll: true });
    }
    return;
  }
  let group = "";
  for (const option of choices.options) {
    if (option.group && option.group !== group) {
      const heading = document.createElement("p");
      heading.className = "meta";
      heading.textContent = option.group;
      list.append(heading);
    }
    group = option.group;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "option");
    button.setAttribute("aria-selected", String(option.chosen));
    button.disabled = !option.enabled;
    button.textContent = option.label || "—";
    button.addEventListener("click", () => line.send({ kind: "choose", index: option.index }));
    list.append(button);
  }
  const factor = screen.factor;
  const room = stage.clientHeight;
  const below = (choices.at.y + choices.at.height) * factor;
  list.style.left = `${Math.max(0, Math.min(choices.at.x * factor, stage.clientWidth - 200))}px`;
  list.style.minWidth = `${choices.at.width * factor}px`;
  list.style.top = `${Math.min(below, Math.max(0, room - Math.min(list.scrollHeight, room / 2)))}px`;
  const chosen = list.querySelector('[aria-selected="true"]') ?? list.querySelector("button");
  if (chosen instanceof HTMLElement) {
    chosen.focus();
  }
}
part("choices").addEventListener("keydown", (event) => {
  const options = [.../** @type {NodeListOf<HTMLButtonElement>} */ (part("choices").querySelectorAll("button:enabled"))];
  const at = options.findIndex((option) => option === document.activeElement);
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  const step = steps[/** @type {keyof typeof steps} */ (event.key)];
  if (step) {
    event.preventDefault();
    options[Math.min(Math.max(at + step, 0), options.length - 1)]?.focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    line.send({ kind: "choose", index: null });
  }
});
stage.addEventListener("pointerdown", (event) => {
  const list = part("choices");
  if (!list.hidden && event.target instanceof Node && !list.contains(event.target)) {
    line.send({ kind: "choose", index: null });
  }
});

/** @param {boolean} cut */
function copy(cut) {
  wanted = send({ kind: "copy", cut });
}
/** @param {string} text */
async function copied(text) {
  if (!text) {
    say("Nothing is selected in the page, so nothing was copied.");
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("This browser did not let the page copy.");
  }
}
part("copy").addEventListener("click", () => copy(false));
part("paste").addEventListener("click", async () => {
  try {
    const text = await navigator.clipboard.readText();
    if (text) {
      overlay.insert(text.trim());
    }
  } catch {
    say("This browser did not let the page paste. Use the keyboard's own paste.");
  }
  overlay.open();
});
part("back").addEventListener("click", () => line.send({ kind: "go", way: "back" }));
part("reload").addEventListener("click", () => line.send({ kind: "go", way: "reload" }));
part("keyboard").addEventListener("click", () => overlay.open());
drive.addEventListener("click", () => {
  drove = driver !== "you";
  line.send({ kind: drove ? "take_over" : "hand_back" });
});

root.querySelector(".live-plain")?.remove();
part("app").hidden = false;
part("keyboard").hidden = !touches;
tell();
const beside = root.closest("details");
if (beside) {
  // Only there to look: a browser nobody wants to see is not driven.
  beside.addEventListener("toggle", () => line.open(), { once: true });
} else {
  line.open();
}
