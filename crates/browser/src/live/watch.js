// Runs in a world of its own in every frame, from before the page's own scripts. It tells that there is something to look at, never
// what: that is read afterwards by read_field.js and read_choices.js.
(() => {
  if (globalThis.freeholdWatches) {
    return;
  }
  globalThis.freeholdWatches = true;
  const tell = (what) => globalThis.freeholdTells?.(what);
  let planned = false;
  const soon = () => {
    if (!planned) {
      planned = true;
      setTimeout(() => {
        planned = false;
        tell("look");
      });
    }
  };
  for (const name of ["focusin", "focusout", "input", "change", "scroll", "resize", "selectionchange", "transitionend"]) {
    addEventListener(name, soon, { capture: true, passive: true });
  }
  // A list of a browser without a window is not in its pictures: it is not opened here, but shown by whoever watches.
  const list = (event) => {
    const target = event.composedPath()[0];
    const select = target instanceof Element ? target.closest("select") : null;
    return event.isTrusted && select && !select.disabled && !select.multiple && select.size <= 1 ? select : null;
  };
  const open = (event, select) => {
    event.preventDefault();
    select.focus();
    globalThis.freeholdSelect = select;
    tell("choices");
  };
  addEventListener("mousedown", (event) => {
    const select = list(event);
    if (select && event.button === 0) {
      open(event, select);
    }
  }, { capture: true });
  addEventListener("keydown", (event) => {
    const select = list(event);
    const opens = [" ", "Enter", "F4"].includes(event.key) || (event.altKey && ["ArrowDown", "ArrowUp"].includes(event.key));
    if (select && opens) {
      open(event, select);
    }
  }, { capture: true });
})();
