// @ts-check
// Files between the owner and the page: those a page asks for, and those it hands out.

/** @import { Chooser, Download, Line, NotGiven } from "./line.js" */

/** How much of a file is sent at a time. Bytes. */
const PART = 64 * 1024;
const WHY_NOT = {
  too_large: "The page does not take as much.",
  no_room: "There is no room for this in the secure browser.",
  gone: "The page no longer asks for a file.",
};
const STATES = { coming: "", ready: "", lost: "It broke off.", no_room: "There is no room for it in the secure browser." };

/** @param {number} bytes */
function amount(bytes) {
  if (bytes < 1024) {
    return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  }
  const [size, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "KiB"] : [bytes / 1024 / 1024, "MiB"];
  return `${size < 10 ? Math.round(size * 10) / 10 : Math.round(size)} ${unit}`;
}

/** The dialog of a page that asks for files. */
export class Asked {
  /** @type {Chooser | null} */
  #chooser = null;
  #driving = false;
  /** Tells the files that are being sent from those before. */
  #sending = 0;
  #part;
  #line;
  #done;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {Line} line
   * @param {(given: boolean) => void} done The dialog has gone from the screen.
   */
  constructor(part, line, done) {
    this.#part = part;
    this.#line = line;
    this.#done = done;
    this.#pick.addEventListener("change", () => this.#picked());
    part("chooser-give").addEventListener("click", () => this.#give());
    part("chooser-no").addEventListener("click", () => this.#refuse());
    part("chooser").addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.#refuse();
      }
    });
  }

  /** @param {Chooser | null} chooser What the page asks for. */
  show(chooser) {
    const given = this.#chooser !== null && chooser === null && this.#sending > 0;
    // After the line was broken it is told again, and what was chosen still counts.
    const again = chooser !== null && chooser.id === this.#chooser?.id;
    this.#chooser = chooser;
    this.#stop();
    const pick = this.#pick;
    if (!again) {
      pick.value = "";
    }
    if (chooser) {
      pick.accept = chooser.accept;
      pick.multiple = chooser.multiple;
      const words = chooser.multiple ? "The page asks for files of yours." : "The page asks for a file of yours.";
      this.#part("chooser-from").textContent = chooser.from;
      this.#part("chooser-words").textContent = words;
    }
    this.#picked();
    this.#place(given);
  }

  /** @param {boolean} driving Whether the answer is this owner's to give. */
  drive(driving) {
    if (this.#driving !== driving) {
      this.#driving = driving;
      this.#place(false);
    }
  }

  /** @param {NotGiven} why */
  refused(why) {
    this.#stop();
    this.#say(WHY_NOT[why], true);
    return WHY_NOT[why];
  }

  get #pick() {
    return /** @type {HTMLInputElement} */ (this.#part("chooser-pick"));
  }

  /** @param {boolean} given */
  #place(given) {
    const dialog = this.#part("chooser");
    const was = !dialog.hidden;
    dialog.hidden = !this.#chooser || !this.#driving;
    if (!dialog.hidden && !was) {
      this.#pick.focus();
    } else if (dialog.hidden && was) {
      this.#done(given);
    }
  }

  /**
   * @param {string} text
   * @param {boolean} wrong
   */
  #say(text, wrong = false) {
    const note = this.#part("chooser-note");
    note.textContent = text;
    note.classList.toggle("error-text", wrong);
  }

  #picked() {
    if (!this.#chooser) {
      return;
    }
    const files = [...(this.#pick.files ?? [])];
    const { largest, multiple } = this.#chooser;
    const large = files.find((file) => file.size > largest);
    const limit = `At most ${amount(largest)}${multiple ? " each" : ""}. Freehold removes ${multiple ? "them" : "it"} when the run ends.`;
    this.#say(large ? `${large.name} has ${amount(large.size)}. The most is ${amount(largest)}.` : limit, large !== undefined);
    /** @type {HTMLButtonElement} */ (this.#part("chooser-give")).disabled = files.length === 0 || large !== undefined;
  }

  #refuse() {
    if (this.#chooser) {
      this.#stop();
      this.#line.send({ kind: "give", chooser: this.#chooser.id, files: [] });
    }
  }

  #stop() {
    this.#sending = 0;
    this.#part("chooser-progress").hidden = true;
    this.#pick.disabled = false;
  }

  async #give() {
    const files = [...(this.#pick.files ?? [])];
    if (!this.#chooser || files.length === 0) {
      return;
    }
    const sending = Date.now();
    this.#sending = sending;
    const progress = /** @type {HTMLProgressElement} */ (this.#part("chooser-progress"));
    progress.max = files.reduce((sum, file) => sum + file.size, 0) || 1;
    progress.value = 0;
    progress.hidden = false;
    this.#pick.disabled = true;
    /** @type {HTMLButtonElement} */ (this.#part("chooser-give")).disabled = true;
    this.#line.send({ kind: "give", chooser: this.#chooser.id, files: files.map(({ name, size }) => ({ name, size })) });
    for (const file of files) {
      for (let at = 0; at < file.size; at += PART) {
        let bytes;
        try {
          bytes = await file.slice(at, at + PART).arrayBuffer();
        } catch {
          this.#stop();
          this.#say(`${file.name} cannot be read.`, true);
          return;
        }
        if (this.#sending !== sending || !(await this.#line.sendBytes(bytes))) {
          return;
        }
        progress.value += bytes.byteLength;
      }
    }
  }
}

/** The list of what pages have handed out. */
export class Offered {
  #part;
  #address;
  /** What was shown last. The line may break and tell it again; a list that was closed stays closed. */
  #shown = "[]";

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {string} interaction
   */
  constructor(part, interaction) {
    this.#part = part;
    this.#address = `/api/v1/interactions/${interaction}/live/files/`;
    part("files").addEventListener("click", () => {
      part("offered").hidden = !part("offered").hidden;
    });
    part("offered-close").addEventListener("click", () => {
      part("offered").hidden = true;
    });
  }

  /** @param {Download[]} downloads */
  show(downloads) {
    const told = JSON.stringify(downloads);
    if (told === this.#shown) {
      return;
    }
    const rows = downloads.map((download) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "live-file";
      name.textContent = download.name;
      const about = document.createElement("span");
      about.className = "meta";
      about.textContent = STATES[download.state] || amount(download.received);
      if (download.state === "coming") {
        about.textContent += download.size === null ? " so far" : ` of ${amount(download.size)}`;
      }
      row.append(name, about);
      if (download.state === "ready") {
        const save = document.createElement("a");
        save.className = "button";
        save.href = this.#address + download.id;
        save.download = download.name;
        save.textContent = "Save";
        save.setAttribute("aria-label", `Save ${download.name}`);
        row.append(save);
      }
      return row;
    });
    this.#part("offered-list").replaceChildren(...rows.reverse());
    this.#part("files").hidden = rows.length === 0;
    this.#part("offered").hidden = rows.length === 0;
    this.#shown = told;
  }
}
