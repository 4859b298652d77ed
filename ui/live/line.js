// @ts-check
// The connection of the live view: a ticket, a socket, and both again when the socket breaks.

/** Without any sign of life for so long, the connection is given up. Milliseconds. */
const SILENCE = 12_000;
/** Between tries: from the first to the longest. Milliseconds. */
const FIRST_WAIT = 400;
const LONGEST_WAIT = 8_000;
/** Bytes of files that may wait for a slow line, so that what is typed need not wait long; and how often it is looked. Milliseconds. */
const MOST_WAITING = 256 * 1024;
const LOOK = 20;

/**
 * What the server says: see freehold_browser::live::message.
 * @typedef {{ x: number, y: number, width: number, height: number }} Rectangle
 * @typedef {{ font_size: number, family: string, weight: string, color: string, background: string,
 *   inset: [number, number, number, number], align: string, letter_spacing: number, line_height: number }} Look
 * @typedef {{ id: number, at: Rectangle, type: string, inputmode: string, one_time_code: boolean, max_length: number,
 *   length: number, value: string | null, selection: [number, number] | null, look: Look }} Field
 * @typedef {{ form: string, message: string, from: string, proposed: string }} Dialog
 * @typedef {{ index: number, label: string, group: string, enabled: boolean, chosen: boolean }} Choice
 * @typedef {{ id: number, title: string, address: string }} Tab
 * @typedef {{ id: number, multiple: boolean, accept: string, from: string, largest: number }} Chooser
 * @typedef {"too_large" | "no_room" | "gone"} NotGiven
 * @typedef {{ id: number, name: string, state: "coming" | "ready" | "lost" | "no_room", received: number, size: number | null }} Download
 * @typedef {{ kind: "state", driver: "you" | "other" | "nobody", viewers: number, filling: boolean }
 *   | { kind: "tabs", shown: number, tabs: Tab[] }
 *   | { kind: "field", after: number, field: Field | null }
 *   | { kind: "dialog", dialog: Dialog | null }
 *   | { kind: "choices", choices: { at: Rectangle, options: Choice[] } | null }
 *   | { kind: "copied", after: number, text: string }
 *   | { kind: "chooser", chooser: Chooser | null }
 *   | { kind: "not_given", why: NotGiven }
 *   | { kind: "downloads", downloads: Download[] }
 *   | { kind: "closed", why: "over" | "browser_gone" }
 *   | { kind: "not_let_in" } | { kind: "alive" }} Said
 */

/**
 * What the page wants to hear of a connection.
 * @typedef {object} Listener
 * @property {() => void} opened It is there, and nothing was said on it yet.
 * @property {(bytes: ArrayBuffer) => void} frame
 * @property {(said: Said) => void} said
 * @property {(why: "waiting" | "broken") => void} lost It is not there; it is tried again.
 * @property {() => void} over The interaction is over; nothing is tried any more.
 */

export class Line {
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  #wait = FIRST_WAIT;
  #over = false;
  #interaction;
  #listener;

  /**
   * @param {string} interaction
   * @param {Listener} listener
   */
  constructor(interaction, listener) {
    this.#interaction = interaction;
    this.#listener = listener;
    // A page that comes back from the browser's own store, or to the front of a phone, may have a dead socket.
    addEventListener("pageshow", (event) => event.persisted && this.#socket?.close());
    addEventListener("pagehide", () => this.#socket?.close());
  }

  /** Connects, and keeps connected until it is over. */
  async open() {
    const ticket = await this.#ticket();
    if (this.#over) {
      return;
    }
    if (ticket === undefined) {
      this.#later();
      return;
    }
    const address = new URL("/api/v1/live", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#listen();
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ ticket }));
      this.#listener.opened();
    });
    socket.addEventListener("message", (event) => {
      this.#listen();
      this.#wait = FIRST_WAIT;
      if (event.data instanceof ArrayBuffer) {
        this.#listener.frame(event.data);
        return;
      }
      /** @type {Said} */
      const said = JSON.parse(event.data);
      if (said.kind === "closed" && said.why === "over") {
        this.#end();
      } else if (said.kind !== "alive") {
        this.#listener.said(said);
      }
    });
    socket.addEventListener("close", () => {
      clearTimeout(this.#silence);
      if (!this.#over && this.#socket === socket) {
        this.#socket = undefined;
        this.#listener.lost("broken");
        this.#later();
      }
    });
  }

  /**
   * Sends an input. While there is no connection it is lost, as it would be on a screen that does not answer.
   * @param {object} input
   */
  send(input) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(input));
    }
  }

  /**
   * Sends a part of a file as soon as there is room for it on the line.
   * @param {ArrayBuffer} bytes
   * @returns {Promise<boolean>} Whether the connection is still there.
   */
  async sendBytes(bytes) {
    const socket = this.#socket;
    while (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount > MOST_WAITING) {
      await new Promise((resume) => setTimeout(resume, LOOK));
    }
    if (!socket || socket !== this.#socket || socket.readyState !== WebSocket.OPEN) {
      return false;
    }
    socket.send(bytes);
    return true;
  }

  /**
   * A ticket, or nothing where one can be had later.
   * @returns {Promise<string | undefined>}
   */
  async #ticket() {
    try {
      const answer = await fetch(`/api/v1/interactions/${this.#interaction}/live`, { method: "POST" });
      if (answer.ok) {
        return (await answer.json()).ticket;
      }
      if (answer.status === 401) {
        // Signed out meanwhile: the page itself says where to go.
        this.#over = true;
        location.reload();
        return undefined;
      }
      const problem = await answer.json();
      if (problem.code === "no_longer_needed" || problem.code === "not_found") {
        this.#end();
      } else {
        this.#listener.lost("waiting");
      }
    } catch {
      this.#listener.lost("broken");
    }
    return undefined;
  }

  #later() {
    setTimeout(() => this.open(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  #listen() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      // A dead line takes long to close; what is known is enough.
      if (this.#socket === socket && socket) {
        this.#socket = undefined;
        socket.close();
        this.#listener.lost("broken");
        this.#later();
      }
    }, SILENCE);
  }

  #end() {
    this.#over = true;
    this.#socket?.close();
    this.#listener.over();
  }
}
