// What a viewer needs to know of that field; null if it is none.
function () {
  const plain = this instanceof HTMLInputElement || this instanceof HTMLTextAreaElement;
  if (!plain && !this.isContentEditable) {
    return null;
  }
  const style = getComputedStyle(this);
  const pixels = (text) => Number.parseFloat(text) || 0;
  const family = style.fontFamily.toLowerCase();
  let behind = this;
  let background = style.backgroundColor;
  const shines = (color) => color === "transparent" || /^rgba\(.*, 0?\.?\d*\)$/.test(color);
  while (shines(background) && behind.parentElement) {
    behind = behind.parentElement;
    background = getComputedStyle(behind).backgroundColor;
  }
  const hints = (this.autocomplete ?? "").toLowerCase().split(/\s+/);
  const oneTimeCode = hints.includes("one-time-code");
  const secret = this.type === "password" || oneTimeCode || hints.some((hint) => hint.endsWith("-password"));
  let selection = null;
  try {
    selection = typeof this.selectionStart === "number" ? [this.selectionStart, this.selectionEnd] : null;
  } catch {
    // A field of a type without a selection.
  }
  globalThis.freeholdFields ??= new WeakMap();
  globalThis.freeholdCounted ??= 0;
  if (!freeholdFields.has(this)) {
    globalThis.freeholdCounted += 1;
    freeholdFields.set(this, freeholdCounted);
  }
  return {
    id: freeholdFields.get(this),
    type: plain ? this.type : "rich",
    inputmode: this.inputMode,
    one_time_code: oneTimeCode,
    max_length: plain ? this.maxLength : -1,
    length: plain ? this.value.length : 0,
    value: secret || !plain ? null : this.value,
    selection,
    look: {
      font_size: pixels(style.fontSize),
      family: /mono|courier|consolas/.test(family) ? "monospace" : /sans|arial|helvetica|system-ui|roboto/.test(family) || !/serif|times|georgia/.test(family) ? "sans-serif" : "serif",
      weight: style.fontWeight,
      color: style.color,
      background: shines(background) ? "rgb(255, 255, 255)" : background,
      inset: ["Top", "Right", "Bottom", "Left"].map((side) => pixels(style[`border${side}Width`]) + pixels(style[`padding${side}`])),
      line_height: pixels(style.lineHeight),
      align: style.textAlign,
      letter_spacing: pixels(style.letterSpacing),
    },
  };
}
