// A picture with at most 256 colours, which is a third of the size: the pictures of docs/screens are kept with the source.

import { deflateSync, inflateSync } from "node:zlib";

/** Colours of a palette. */
const COLOURS = 256;

/**
 * The same picture with a palette (PNG, third edition: colour type 3). It takes what a browser's screenshot is: eight bits a channel,
 * not interlaced.
 * @param {Buffer} png
 * @returns {Buffer}
 */
export function small(png) {
  const { width, height, channels, pixels } = decode(png);
  const at = (/** @type {number} */ i) => /** @type {number} */ (pixels[i]);
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (let i = 0; i < pixels.length; i += channels) {
    const colour = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, COLOURS).map(([colour]) => colour);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = (y * width + x) * channels;
      const colour = (at(i) << 16) | (at(i + 1) << 8) | at(i + 2);
      let place = places.get(colour);
      if (place === undefined) {
        place = nearest(palette, colour);
        places.set(colour, place);
      }
      rows[y * (width + 1) + 1 + x] = place;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([png.subarray(0, 8), chunk("IHDR", header), chunk("PLTE", colours), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** @param {Buffer} png */
function decode(png) {
  const [width, height, channels] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3];
  if (png[24] !== 8 || (png[25] !== 2 && png[25] !== 6) || png[28] !== 0) {
    throw new Error("not what a browser's screenshot is");
  }
  /** @type {Buffer[]} */
  const parts = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") {
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
    }
  }
  const rows = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const pixels = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : Number(pixels[y * stride + x - channels]);
      const up = y === 0 ? 0 : Number(pixels[(y - 1) * stride + x]);
      const corner = x < channels || y === 0 ? 0 : Number(pixels[(y - 1) * stride + x - channels]);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][Number(filter)] ?? 0;
      pixels[y * stride + x] = Number(rows[y * (stride + 1) + 1 + x]) + guess;
    }
  }
  return { width, height, channels, pixels };
}

/**
 * PNG, third edition, section 9.4.
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/**
 * @param {number[]} palette
 * @param {number} colour
 */
function nearest(palette, colour) {
  const far = (/** @type {number} */ other) => {
    const apart = (/** @type {number} */ shift) => ((colour >> shift) & 255) - ((other >> shift) & 255);
    return apart(16) ** 2 + apart(8) ** 2 + apart(0) ** 2;
  };
  return palette.reduce((best, other, place) => (far(other) < far(Number(palette[best])) ? place : best), 0);
}

/**
 * @param {string} name
 * @param {Buffer} content
 */
function chunk(name, content) {
  const whole = Buffer.alloc(content.length + 12);
  whole.writeUInt32BE(content.length, 0);
  whole.write(name, 4, "latin1");
  content.copy(whole, 8);
  whole.writeUInt32BE(crc(whole.subarray(4, content.length + 8)), content.length + 8);
  return whole;
}

/**
 * PNG, third edition, annex D.
 * @param {Buffer} bytes
 */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    }
  }
  return (sum ^ 0xffffffff) >>> 0;
}
