// Submits: presses what `selector` names, once it can be pressed, or sends the form of `field`. Answers `null` when it did, else one
// word for why not. `ticks` are boxes that are to be ticked first; `origin` is where the fields were filled, or null.

// After the answer, so that neither a dialog nor the page's end holds it up. What a person allows lasts longer than that.
const later = (press) => setTimeout(press, 0);
const pause = () => new Promise((resume) => setTimeout(resume, 50));
for (const tick of ticks) for (const box of all(tick)) if (box.checked === false && !box.disabled) box.click();
if (selector === null) {
    if (origin !== null && self.origin !== origin) return 'origin';
    const form = visible(field)[0]?.form;
    if (!form) return 'key';
    later(() => form.requestSubmit());
    return null;
}
for (let tries = 0; tries < 60; tries++) {
    if (origin !== null && self.origin !== origin) return 'origin';
    const buttons = visible(selector);
    if (buttons.length > 0 && !buttons[0].matches(':disabled, [aria-disabled=true]')) {
        later(() => buttons[0].click());
        return null;
    }
    await pause();
}
return 'unfit';
