// @ts-check
// All the console's script: times in the owner's zone, fragments that keep themselves up to date, and pictures that are pasted. Pages
// work without it.

/** Between a change and looking again, so that a burst of changes is one look. Milliseconds. */
const SETTLE = 250;
/** Between looks when changes never stop. Milliseconds. */
const PACE = 1000;

const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** For what has no time of day: the same day in every zone. */
const dateAlone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** For a timeline, where much happens within a minute. */
const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/**
 * Shows times in the owner's zone, with the exact instant on hover.
 * @param {ParentNode} within
 */
function localise(within) {
  for (const time of within.querySelectorAll("time")) {
    const instant = new Date(time.dateTime);
    if (!Number.isNaN(instant.valueOf())) {
      const withTime = time.closest(".timeline") ? toTheSecond : dateAndTime;
      time.textContent = (time.dateTime.includes("T") ? withTime : dateAlone).format(instant);
      time.title = time.dateTime;
    }
  }
}

/**
 * The live fragments of a page, by name.
 * @param {ParentNode} page
 * @returns {Map<string, HTMLElement>}
 */
function fragments(page) {
  /** @type {Map<string, HTMLElement>} */
  const found = new Map();
  for (const element of page.querySelectorAll("[data-live]")) {
    if (element instanceof HTMLElement) {
      found.set(element.dataset.live ?? "", element);
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

/** Fetches this page again and replaces the fragments that changed. */
async function look() {
  // What answers a form may be shown at an address that only takes forms.
  const at = document.querySelector("[data-at]")?.getAttribute("data-at") ?? location.href;
  const response = await fetch(at, { headers: { Accept: "text/html" } });
  if (response.redirected) {
    // The owner's turn, or signed out meanwhile: the server says where to go. This page would lead there again on the way back.
    location.replace(response.url);
    return;
  }
  if (!response.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  localise(page);
  const fresh = fragments(page);
  for (const [name, current] of fragments(document)) {
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
      await look();
    } catch {
      // The server is away; the event stream comes back by itself, and with it the next look.
    } finally {
      looking = false;
    }
  }, wait);
}

/** One event stream per browser: the tab that holds the lock has it and tells the others. */
function watch() {
  const channel = new BroadcastChannel("freehold");
  channel.addEventListener("message", lookSoon);
  navigator.locks.request("freehold-events", () => new Promise(() => {
    const stream = new EventSource("/api/v1/events");
    const tell = () => {
      channel.postMessage("changed");
      lookSoon();
    };
    // On opening too: what happened before it, or while it was away, is not told again.
    for (const name of ["open", "source", "run", "vault", "everything"]) {
      stream.addEventListener(name, tell);
    }
  }));
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

document.addEventListener("paste", choosePasted);
localise(document);
if (fragments(document).size > 0) {
  watch();
}
