// @ts-check
// Local echo: a real text field, laid over the one that has the focus in the page, so that what is typed shows at once and a phone
// brings up the right keyboard. It runs ahead of the page; as soon as the page has taken everything that was sent, it is made equal
// to the page again.

import { key, modifiers } from "./hands.js";

/** @import { Field } from "./line.js" */
/** @import { Screen } from "./screen.js" */

/** Keys whose effect shows in the field as soon as they are down. */
const EDITS = new Set(["Backspace", "Delete"]);
const canMask = CSS.supports("-webkit-text-security", "disc");

export class Overlay {
  /** Whether what is typed here counts. */
  driving = false;
  /** @type {Field | undefined} */
  #field;
  #line = document.createElement("input");
  #lines = document.createElement("textarea");
  /** The one that is laid over the page now. @type {HTMLInputElement | HTMLTextAreaElement} */
  #input = this.#line;
  /** What was in the field before the edit that is being made. */
  #before = "";
  /** The key whose effect the next edit is. @type {string | undefined} */
  #sent;
  #composing = false;
  #last = 0;
  #page;
  #canvas;
  #screen;
  #send;

  /**
   * @param {HTMLElement} page
   * @param {HTMLCanvasElement} canvas
   * @param {Screen} screen
   * @param {(input: Record<string, unknown>) => number} send Returns the input's number.
   * @param {{ leave: () => void, copy: (cut: boolean) => void }} own
   */
  constructor(page, canvas, screen, send, own) {
    this.#page = page;
    this.#canvas = canvas;
    this.#screen = screen;
    this.#send = (/** @type {Record<string, unknown>} */ input) => {
      this.#last = send(input);
    };
    // No part of the console's own sign-in, whatever a password manager thinks: no name, no form, and by these words.
    const quiet = { autocapitalize: "off", autocorrect: "off", "data-1p-ignore": "", "data-bwignore": "", "data-lpignore": "true" };
    for (const input of [this.#line, this.#lines]) {
      input.dataset.part = "field";
      input.className = "live-field";
      input.hidden = true;
      input.spellcheck = false;
      input.setAttribute("aria-label", "The field with the focus in the page");
      Object.entries(quiet).forEach(([name, value]) => input.setAttribute(name, value));
      page.append(input);
      this.#listen(input, own);
    }
    this.#lines.autocomplete = "off";
  }

  /** Starts counting anew: another connection. */
  restart() {
    this.#last = 0;
    this.show(null, 0);
  }

  /**
   * The page's field, as it is after the input of that number.
   * @param {Field | null} field
   * @param {number} after
   */
  show(field, after) {
    const input = this.#input;
    if (!field || !this.driving) {
      const focused = document.activeElement === input;
      this.#field = undefined;
      this.#clear();
      if (focused) {
        this.#canvas.focus({ preventScroll: true });
      }
      return;
    }
    const other = field.id !== this.#field?.id;
    this.#field = field;
    if (other) {
      this.#become(field);
    }
    this.place();
    // Of rich text only what was typed here is known.
    if (field.type === "rich") {
      this.#before = this.#input.value;
    } else if (other || (after >= this.#last && !this.#composing)) {
      this.#agree(field);
    }
    if (other) {
      this.focus();
    }
  }

  #clear() {
    this.#input.hidden = true;
    this.#input.value = "";
    this.#before = "";
  }

  /** Puts the field where it is seen. */
  place() {
    const field = this.#field;
    if (!field) {
      return;
    }
    const factor = this.#screen.factor;
    const pixels = (/** @type {number} */ value) => `${Math.round(value * factor * 100) / 100}px`;
    const { style } = this.#input;
    style.left = pixels(field.at.x);
    style.top = pixels(field.at.y);
    style.width = pixels(field.at.width);
    style.height = pixels(field.at.height);
    style.fontSize = pixels(field.look.font_size);
    style.padding = field.look.inset.map(pixels).join(" ");
    style.letterSpacing = pixels(field.look.letter_spacing);
    style.lineHeight = field.type === "textarea" && field.look.line_height ? pixels(field.look.line_height) : "normal";
  }

  /** Takes the focus, unless the owner is busy elsewhere in the console. */
  focus() {
    const active = document.activeElement;
    const free = active === null || active === document.body || this.#page.contains(active);
    if (free && !this.#input.hidden) {
      this.#input.focus({ preventScroll: true });
    }
  }

  /** Opens a phone's keyboard, by a tap on the console's own button. */
  open() {
    (this.#input.hidden ? this.#canvas : this.#input).focus({ preventScroll: true });
  }

  /**
   * Takes on the kind and the look of a field.
   * @param {Field} field
   */
  #become(field) {
    const secret = field.type === "password";
    // Masked text and not a password field, where that can be: no password manager offers to fill or to keep it.
    this.#line.type = secret && !canMask ? "password" : "text";
    this.#line.classList.toggle("live-masked", secret && canMask);
    this.#line.classList.toggle("live-rich", field.type === "rich");
    this.#line.autocomplete = field.one_time_code ? "one-time-code" : "off";
    this.#clear();
    this.#input = field.type === "textarea" ? this.#lines : this.#line;
    const input = this.#input;
    const modes = { email: "email", tel: "tel", number: "decimal", url: "url", search: "search" };
    const mode = field.inputmode || modes[/** @type {keyof typeof modes} */ (field.type)] || "";
    input.inputMode = mode || (field.one_time_code ? "numeric" : "text");
    if (field.max_length >= 0) {
      input.maxLength = field.max_length;
    } else {
      input.removeAttribute("maxlength");
    }
    const { style } = input;
    style.color = field.look.color;
    style.background = field.look.background;
    style.fontFamily = field.look.family;
    style.fontWeight = field.look.weight;
    style.textAlign = field.look.align;
    this.#composing = false;
    this.#sent = undefined;
    input.hidden = false;
  }

  /**
   * Makes this field equal to the page's. Of a secret only the length is known; what was typed here fits it or is replaced by dots.
   * @param {Field} field
   */
  #agree(field) {
    const input = this.#input;
    const kept = input.value.length === field.length ? input.value : "\u2022".repeat(field.length);
    const value = field.value ?? kept;
    if (input.value !== value) {
      input.value = value;
    }
    this.#before = value;
    if (field.selection && (input.selectionStart !== field.selection[0] || input.selectionEnd !== field.selection[1])) {
      input.setSelectionRange(...field.selection);
    }
  }

  /**
   * @param {HTMLElement} input
   * @param {{ leave: () => void, copy: (cut: boolean) => void }} own
   */
  #listen(input, own) {
    const lines = input === this.#lines;
    /** @type {Set<string>} */
    const held = new Set();
    input.addEventListener("keydown", (event) => {
      this.#sent = undefined;
      // What an input method makes of it comes as an edit.
      if (event.isComposing || event.keyCode === 229 || event.key === "Unidentified") {
        return;
      }
      const command = modifiers(event) & 7;
      const letter = event.key.toLowerCase();
      if (event.key === "Escape" && command === 0) {
        own.leave();
        return;
      }
      if (command === 2 && ["c", "x", "v"].includes(letter)) {
        if (this.#field?.value === null && letter !== "v") {
          event.preventDefault();
          if (this.#field.type === "rich") {
            own.copy(letter === "x");
          }
        }
        return;
      }
      if (command !== 0 && event.key.length === 1 && !(command === 2 && ["a", "z", "y"].includes(letter))) {
        return;
      }
      if (event.key === "Tab" || (event.key === "Enter" && !lines) || (command === 2 && letter !== "a")) {
        event.preventDefault();
      } else if (EDITS.has(event.key) || event.key === "Enter" || (event.key.length === 1 && command === 0)) {
        this.#sent = event.key;
      }
      held.add(event.code);
      this.#send(key(event, true));
    });
    input.addEventListener("keyup", (event) => {
      this.#sent = undefined;
      if (held.delete(event.code)) {
        this.#send(key(event, false));
      }
    });
    input.addEventListener("blur", () => held.clear());
    input.addEventListener("compositionstart", () => {
      this.#composing = true;
    });
    input.addEventListener("compositionend", () => {
      this.#composing = false;
      this.#edited();
    });
    input.addEventListener("input", () => {
      if (this.#sent !== undefined) {
        this.#sent = undefined;
        this.#before = this.#input.value;
      } else if (!this.#composing) {
        this.#edited();
      }
    });
    input.addEventListener("paste", (event) => {
      event.preventDefault();
      const pasted = event.clipboardData?.getData("text/plain") ?? "";
      const text = lines ? pasted.replaceAll("\r\n", "\n") : pasted.replace(/[\r\n]+/g, " ").trim();
      if (text) {
        this.insert(text);
      }
    });
  }

  /**
   * Puts text where the cursor is, here and in the page.
   * @param {string} text
   */
  insert(text) {
    const input = this.#input;
    if (!input.hidden) {
      input.setRangeText(text, input.selectionStart ?? 0, input.selectionEnd ?? 0, "end");
      this.#before = input.value;
    }
    this.#send({ kind: "text", text });
  }

  /** Sends what an edit changed that no key of its own stands for: a phone's keyboard, an input method, a suggestion, a cut. */
  #edited() {
    const [before, after] = [this.#before, this.#input.value];
    const shorter = Math.min(before.length, after.length);
    let start = 0;
    while (start < shorter && before[start] === after[start]) {
      start += 1;
    }
    let end = 0;
    while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) {
      end += 1;
    }
    const removed = [...before.slice(start, before.length - end)].length;
    const backspace = { kind: "key", key: "Backspace", code: "Backspace", key_code: 8, location: 0, repeat: false, modifiers: 0 };
    for (let count = 0; count < removed; count += 1) {
      this.#send({ ...backspace, down: true });
      this.#send({ ...backspace, down: false });
    }
    const text = after.slice(start, after.length - end);
    if (text) {
      this.#send({ kind: "text", text });
    }
    this.#before = after;
  }
}
