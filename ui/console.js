// @ts-check
// All the console's script: times in the owner's zone, fragments that keep themselves up to date, lists that narrow while one types,
// a few keys, and pictures that are pasted. Pages work without it.

/** The keys that follow a link of the page, each with the link's relation: as in a list of letters. @type {Record<string, string>} */
const STEPS = { j: "next", k: "prev" };

/** Between a change and looking again, so that a burst of changes is one look. Milliseconds. */
const SETTLE = 250;
/** Between looks when changes never stop. Milliseconds. */
const PACE = 1000;
/** Before an event stream that was refused is asked for again. Milliseconds. */
const RETRY = 5000;

const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** For what has no time of day: the same day in every zone. */
const dateAlone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** For a timeline, where much happens within a minute. */
const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** What hovering tells, with the zone. */
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** The units in which a time is told as how long ago it is, each with its milliseconds. Beyond the last, the date says more. */
const units = /** @type {const} */ ([["minute", 60_000], ["hour", 3_600_000], ["day", 86_400_000]]);

/**
 * How long ago an instant is, or its date where that says more.
 * @param {Date} instant
 */
function ago(instant) {
  const past = Date.now() - instant.valueOf();
  if (past < 60_000) {
    return past > -60_000 ? "just now" : dateAndTime.format(instant);
  }
  const [unit, length] = units.findLast(([, length]) => past >= length) ?? units[0];
  const number = Math.floor(past / length);
  return unit === "day" && number > 6 ? dateAndTime.format(instant) : relative.format(-number, unit);
}

/**
 * Shows times in the owner's zone, with the exact instant on hover.
 * @param {ParentNode} within
 */
function localise(within) {
  for (const time of within.querySelectorAll("time")) {
    const instant = new Date(time.dateTime);
    if (Number.isNaN(instant.valueOf())) {
      continue;
    }
    if (!time.dateTime.includes("T")) {
      time.textContent = dateAlone.format(instant);
      time.title = time.dateTime;
    } else {
      const inWords = time.closest(".timeline") ? toTheSecond : dateAndTime;
      time.textContent = "ago" in time.dataset ? ago(instant) : inWords.format(instant);
      time.title = `${exactly.format(instant)} (${time.dateTime})`;
    }
  }
}

/** What follows what happens, and what follows the filter too. */
const LIVE = "[data-live]";
const NARROWED = "[data-live], [data-list]";

/**
 * The fragments of a page that are looked at anew, by name.
 * @param {ParentNode} page
 * @param {string} which
 * @returns {Map<string, HTMLElement>}
 */
function fragments(page, which) {
  /** @type {Map<string, HTMLElement>} */
  const found = new Map();
  for (const element of page.querySelectorAll(which)) {
    if (element instanceof HTMLElement) {
      found.set(element.dataset.live ?? element.dataset.list ?? "", element);
    }
  }
  return found;
}

/**
 * Puts new content into a fragment, and the focus back where it was.
 * @param {HTMLElement} current
 * @param {HTMLElement} fresh
 */
function replace(current, fresh) {
  const focused = current.contains(document.activeElement) ? document.activeElement : null;
  const focusables = "a, button, summary, input";
  const place = focused ? [...current.querySelectorAll(focusables)].indexOf(focused) : -1;
  const open = [...current.querySelectorAll("details")].map((details) => details.open);
  current.replaceChildren(...fresh.childNodes);
  current.querySelectorAll("details").forEach((details, index) => {
    details.open = open[index] ?? false;
  });
  const next = current.querySelectorAll(focusables)[place];
  if (next instanceof HTMLElement) {
    next.focus({ preventScroll: true });
  }
}

/**
 * Fetches this page again and replaces the fragments that changed.
 * @param {string} which
 */
async function look(which) {
  // What answers a form may be shown at an address that only takes forms.
  const at = document.querySelector("[data-at]")?.getAttribute("data-at") ?? location.href;
  const response = await fetch(at, { headers: { Accept: "text/html" } });
  if (response.redirected) {
    // The owner's turn, or signed out meanwhile: the server says where to go. This page would lead there again on the way back.
    location.replace(response.url);
    return;
  }
  if (!response.ok || at !== (document.querySelector("[data-at]")?.getAttribute("data-at") ?? location.href)) {
    // Not what was asked for, or not what is asked for any more.
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  localise(page);
  const fresh = fragments(page, which);
  for (const [name, current] of fragments(document, which)) {
    const next = fresh.get(name);
    if (next && next.innerHTML !== current.innerHTML) {
      replace(current, next);
    }
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let planned;
let looking = false;
let last = 0;

/** Looks again soon, once for all changes that come together. */
function lookSoon() {
  if (planned !== undefined) {
    return;
  }
  const wait = Math.max(SETTLE, last + PACE - Date.now());
  planned = setTimeout(async () => {
    planned = undefined;
    if (looking) {
      lookSoon();
      return;
    }
    looking = true;
    last = Date.now();
    try {
      await look(LIVE);
    } catch {
      // The server is away; the event stream comes back by itself, and with it the next look.
    } finally {
      looking = false;
    }
  }, wait);
}

/**
 * Says that what is shown may be old, for as long as nothing is heard from the server.
 * @param {boolean} isAway
 */
function tellAway(isAway) {
  const toast = document.getElementById("away");
  if (toast && toast.hidden === isAway) {
    const now = new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(new Date());
    toast.textContent = isAway ? `Freehold cannot be reached. What you see is as it was at ${now}.` : "";
    toast.hidden = !isAway;
  }
}

/** One event stream per browser: the tab that holds the lock has it, and tells the others what it hears. */
function watch() {
  const channel = new BroadcastChannel("freehold");
  const hear = (/** @type {string} */ what) => {
    tellAway(what === "away");
    lookSoon();
  };
  channel.addEventListener("message", (event) => hear(event.data));
  const tell = (/** @type {string} */ what) => {
    channel.postMessage(what);
    hear(what);
  };
  const listen = () => {
    const stream = new EventSource("/api/v1/events");
    let failures = 0;
    // One that came to its end is had again at once; that it cannot be had means that the server is away, or that nobody is signed in.
    stream.addEventListener("error", () => {
      failures += 1;
      const isOver = stream.readyState === EventSource.CLOSED;
      if (isOver) {
        setTimeout(listen, RETRY);
      }
      if (isOver || failures > 1) {
        tell("away");
      }
    });
    // On opening too: what happened before it, or while it was away, is not told again.
    for (const name of ["open", "source", "run", "vault", "everything"]) {
      stream.addEventListener(name, () => {
        failures = 0;
        tell("changed");
      });
    }
  };
  if (navigator.locks) {
    navigator.locks.request("freehold-events", () => new Promise(listen));
  } else {
    // Only where the page did not come over a safe way, which the server does not let happen by itself.
    listen();
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

/**
 * Narrows a list while its filter is typed into; the address says what it is narrowed to, as if the form had been sent.
 * @param {Event} event
 */
function narrow(event) {
  const form = event.target instanceof HTMLInputElement ? event.target.form : null;
  if (!form?.matches(".filter") || fragments(document, NARROWED).size === 0) {
    return;
  }
  clearTimeout(typing);
  typing = setTimeout(() => {
    const asked = [...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
    const address = new URL(form.action);
    address.search = new URLSearchParams(asked).toString();
    history.replaceState(null, "", address);
    // Away for a moment: the button sends the form as ever.
    look(NARROWED).catch(() => {});
  }, SETTLE);
}

/**
 * `/` goes to the filter, `j` and `k` step through records and lists, and `?` says which keys there are, wherever nobody is typing.
 * @param {KeyboardEvent} event
 */
function press(event) {
  const at = event.target;
  const isTyping = at instanceof HTMLElement && (at.isContentEditable || at.matches("input, select, textarea, canvas"));
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
    return;
  }
  if (event.key === "/") {
    const field = document.querySelector(".filter input[type=search]");
    if (field instanceof HTMLInputElement) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  } else if (event.key in STEPS) {
    const link = document.querySelector(`main a[rel=${STEPS[event.key]}]`);
    if (link instanceof HTMLAnchorElement) {
      link.click();
    }
  } else if (event.key === "?") {
    const keys = document.getElementById("keys");
    if (keys instanceof HTMLDialogElement && !keys.open) {
      keys.showModal();
    }
  }
}

/** Tells the server whose days they are, for what is counted by day. */
function tellZone() {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  if (timeZone) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `zone=${timeZone}; Path=/; SameSite=Strict; Max-Age=31536000${secure}`;
  }
}

/**
 * A picture pasted where a seed is wanted is chosen as if it were a file.
 * @param {ClipboardEvent} event
 */
function choosePasted(event) {
  const field = event.target;
  const picture = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/"));
  const chooser = field instanceof HTMLInputElement && document.getElementById(`f-picture.${field.name}`);
  if (picture && chooser instanceof HTMLInputElement) {
    const chosen = new DataTransfer();
    chosen.items.add(picture);
    chooser.files = chosen.files;
    chooser.focus();
    event.preventDefault();
  }
}

/** What was just done is read out when it changes, not when a page comes with it: so it comes once more. */
function announce() {
  const done = document.querySelector(".done span");
  if (done) {
    setTimeout(() => done.replaceChildren(done.textContent ?? ""), SETTLE);
  }
}

document.addEventListener("paste", choosePasted);
document.addEventListener("input", narrow);
document.addEventListener("keydown", press);
tellZone();
localise(document);
announce();
if (document.querySelector("time[data-ago]")) {
  setInterval(() => localise(document), 60_000);
}
if (fragments(document, LIVE).size > 0) {
  watch();
}
