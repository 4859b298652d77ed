// @ts-check
// The picture: frames onto a canvas, and where something on the owner's screen is in the page.

/** @typedef {{ tab: number, number: number, width: number, height: number, zoom: number, jpeg: Blob }} Frame */

/** How far a phone may zoom in. */
const CLOSEST = 4;

/**
 * Takes a binary message apart; its layout is freehold_browser::live::message::Frame::to_bytes.
 * @param {ArrayBuffer} bytes
 * @returns {Frame}
 */
function parse(bytes) {
  const view = new DataView(bytes);
  const float = (/** @type {number} */ at) => view.getFloat32(at, true);
  const jpeg = new Blob([new Uint8Array(bytes, view.getUint32(4, true))], { type: "image/jpeg" });
  const number = Number(view.getBigUint64(8, true));
  return { tab: view.getUint32(0, true), number, width: float(16), height: float(20), zoom: float(24), jpeg };
}

export class Screen {
  /** The frame that is on the screen. @type {Frame | undefined} */
  frame;
  /** Called after each frame is drawn. @type {() => void} */
  drawn = () => {};
  /** @type {Frame | undefined} */
  #next;
  #drawing = false;
  #zoom = { scale: 1, x: 0, y: 0 };
  #stage;
  #page;
  #canvas;
  #acknowledge;

  /**
   * @param {HTMLElement} stage What the page is seen through.
   * @param {HTMLElement} page What is moved and enlarged within it.
   * @param {HTMLCanvasElement} canvas
   * @param {(frame: number) => void} acknowledge
   */
  constructor(stage, page, canvas, acknowledge) {
    this.#stage = stage;
    this.#page = page;
    this.#canvas = canvas;
    this.#acknowledge = acknowledge;
  }

  /** CSS pixels of the owner's screen per CSS pixel of the page, without zoom. */
  get factor() {
    return this.frame ? this.#canvas.offsetWidth / this.frame.width : 1;
  }

  /**
   * Takes a frame. One that comes while another is drawn waits; only the newest does.
   * @param {ArrayBuffer} bytes
   */
  show(bytes) {
    this.#next = parse(bytes);
    if (!this.#drawing) {
      this.#draw();
    }
  }

  async #draw() {
    this.#drawing = true;
    while (this.#next) {
      const frame = this.#next;
      this.#next = undefined;
      try {
        const picture = await createImageBitmap(frame.jpeg);
        const canvas = this.#canvas;
        if (canvas.width !== picture.width || canvas.height !== picture.height) {
          canvas.width = picture.width;
          canvas.height = picture.height;
        }
        canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
        picture.close();
        if (this.frame?.width !== frame.width || this.frame?.height !== frame.height) {
          this.frame = frame;
          this.#fit();
        }
        this.frame = frame;
        canvas.dataset.frame = String(frame.number);
      } catch {
        // A picture that cannot be read is followed by one that can.
      }
      this.#acknowledge(frame.number);
      this.drawn();
    }
    this.#drawing = false;
  }

  /** Makes the picture as large as the stage allows, in its own proportions. */
  #fit() {
    if (this.frame) {
      const { width, height } = this.frame;
      const scale = Math.min(this.#stage.clientWidth / width, this.#stage.clientHeight / height);
      this.#page.style.width = `${Math.round(width * scale)}px`;
      this.#page.style.height = `${Math.round(height * scale)}px`;
    }
  }

  /** The stage has another size. */
  resized() {
    this.#fit();
    this.zoom(1, 0, 0, 0, 0);
  }

  /**
   * Where a point of the owner's screen is in the page, in its CSS pixels.
   * @param {number} clientX
   * @param {number} clientY
   * @returns {{ x: number, y: number }}
   */
  place(clientX, clientY) {
    const seen = this.#canvas.getBoundingClientRect();
    const { width, height } = this.frame ?? { width: 1, height: 1 };
    const x = Math.min(Math.max((clientX - seen.left) / seen.width, 0), 1) * width;
    const y = Math.min(Math.max((clientY - seen.top) / seen.height, 0), 1) * height;
    return { x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10 };
  }

  /**
   * Zooms by a factor around a point of the stage, and moves by some pixels.
   * @param {number} by
   * @param {number} x
   * @param {number} y
   * @param {number} dx
   * @param {number} dy
   */
  zoom(by, x, y, dx, dy) {
    const before = this.#zoom;
    const scale = by === 1 && dx === 0 && dy === 0 ? 1 : Math.min(Math.max(before.scale * by, 1), CLOSEST);
    const { offsetWidth: width, offsetHeight: height } = this.#page;
    const within = (/** @type {number} */ value, /** @type {number} */ size) => Math.min(0, Math.max(value, size - size * scale));
    const toX = x - ((x - before.x) * scale) / before.scale + dx;
    const toY = y - ((y - before.y) * scale) / before.scale + dy;
    this.#zoom = { scale, x: within(toX, width), y: within(toY, height) };
    const { x: left, y: top } = this.#zoom;
    this.#page.style.transform = scale === 1 ? "" : `translate(${left}px, ${top}px) scale(${scale})`;
  }
}
