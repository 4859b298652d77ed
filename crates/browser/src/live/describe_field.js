// What a viewer needs to know of that field.
function () {
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
  const hints = this.autocomplete.toLowerCase().split(/\s+/);
  const oneTimeCode = hints.includes("one-time-code");
  const secret = this.type === "password" || oneTimeCode || hints.some((hint) => hint.endsWith("-password"));
  let selection = null;
  try {
    selection = this.selectionStart === null ? null : [this.selectionStart, this.selectionEnd];
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
    type: this.type,
    inputmode: this.inputMode,
    one_time_code: oneTimeCode,
    max_length: this.maxLength,
    length: this.value.length,
    value: secret ? null : this.value,
    selection,
    look: {
      font_size: pixels(style.fontSize),
      family: /mono|courier|consolas/.test(family) ? "monospace" : /sans|arial|helvetica|system-ui|roboto/.test(family) || !/serif|times|georgia/.test(family) ? "sans-serif" : "serif",
      weight: style.fontWeight,
      color: style.color,
      background: shines(background) ? "rgb(255, 255, 255)" : background,
      inset: ["Top", "Right", "Bottom", "Left"].map((side) => pixels(style[`border${side}Width`]) + pixels(style[`padding${side}`])),
      align: style.textAlign,
      letter_spacing: pixels(style.letterSpacing),
    },
  };
}
