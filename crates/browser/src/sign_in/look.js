// Which screens this frame shows, all of them in one go. `spec` is { screens, page }; the answer is `FrameLook` of look.rs.

const address = location.href;
// A query often names the page that comes after; only a pattern that has one itself is compared with it.
const at = (pattern) =>
    [address, spec.page].some((url) => url && (/[?#]/.test(pattern) ? url : url.split(/[?#]/)[0]).includes(pattern));

let everything = null;
const text = () =>
    (everything ??= plain(
        roots
            .flatMap((root) => (root === document ? [document.body] : [...root.children]))
            .map((element) => element?.innerText ?? '')
            .join(' '),
    ));
const says = (element) =>
    plain([element.innerText, element.value, element.getAttribute('aria-label'), element.placeholder].filter((part) => typeof part === 'string').join(' '));

// The provider's own words beside a field, or about what it waits for.
const beside = (field) => {
    // Labels name fields; they count only where nothing else is said.
    for (const without of ['button, select, [role=button], label', undefined]) {
        for (let e = field?.parentElement; e && e !== document.body; e = e.parentElement) {
            if (words(e, 200, without).length >= 15) return words(e, 200, without);
        }
    }
    return field ? words(document.body, 200) || null : null;
};
const about = () => words(document.querySelector('main, [role=main], form') ?? document.body, 300) || null;

const until = (selector) => {
    const time = all(selector)[0];
    return time ? (time.getAttribute('datetime') ?? words(time, 100)) : null;
};

const seen = { origin: self.origin, address, document: performance.timeOrigin, loading: document.readyState, matched: [], bad: null };
for (const [index, screen] of spec.screens.entries()) {
    try {
        if (screen.url !== null && !at(screen.url)) continue;
        const named = screen.visible === null ? null : visible(screen.visible);
        if (named?.length === 0) continue;
        if (screen.hidden !== null && visible(screen.hidden).length > 0) continue;
        const said = (wording) => (named ? named.some((element) => says(element).includes(plain(wording))) : text().includes(plain(wording)));
        if (screen.texts !== null && !screen.texts.some(said)) continue;
        const fields = screen.fields.flatMap((field) => visible(field));
        seen.matched.push({
            screen: index,
            empty: fields.length > 0 && fields.every((field) => field.value === ''),
            words: screen.words === 'beside' ? beside(fields[0]) : screen.words === 'about' ? about() : null,
            until: screen.until === null ? null : until(screen.until),
        });
    } catch {
        seen.bad ??= index;
    }
}
return seen;
