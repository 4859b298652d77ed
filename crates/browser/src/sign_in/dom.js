// Shared by our functions: which elements a selector names, and which of them a person can see.

// The document, and every open shadow tree in it.
const roots = [document];
for (let i = 0; i < roots.length; i++) {
    const walker = document.createTreeWalker(roots[i], NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode()) if (walker.currentNode.shadowRoot) roots.push(walker.currentNode.shadowRoot);
}

const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);

// The element it is laid out in, across shadow trees.
const above = (element) =>
    element.assignedSlot ?? element.parentElement ?? (element.getRootNode() instanceof ShadowRoot ? element.getRootNode().host : null);

// Whether a person can see it: it has a box of some size that no ancestor makes transparent, clips away or moves off the page.
const shown = (element) => {
    if (innerWidth < 2 || innerHeight < 2) return false;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: false })) return false;
    let { left, top, right, bottom } = element.getBoundingClientRect();
    let opacity = 1;
    let escapes = 'static';
    for (let e = element; e; e = above(e)) {
        const style = getComputedStyle(e);
        opacity *= Number(style.opacity);
        const gone = /^(inset\((100|[5-9]\d)(\.\d+)?%|circle\(0|polygon\(0(px|%)? 0)/.test(style.clipPath);
        if (gone || (style.position === 'absolute' && /^rect\(/.test(style.clip))) return false;
        const page = e === document.body || e === document.documentElement;
        const positioned = style.position !== 'static' || style.transform !== 'none';
        if (e !== element && !page && escapes !== 'fixed' && (escapes !== 'absolute' || positioned)) {
            const box = e.getBoundingClientRect();
            // What can be scrolled to is not clipped away, as long as there is anything to scroll.
            const cuts = (overflow, size) => overflow === 'hidden' || overflow === 'clip' || (overflow !== 'visible' && size < 2);
            if (cuts(style.overflowX, box.width)) [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
            if (cuts(style.overflowY, box.height)) [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
        }
        if (style.position === 'fixed') escapes = 'fixed';
        else if (escapes !== 'fixed' && positioned) escapes = style.position === 'absolute' ? 'absolute' : 'static';
    }
    return opacity >= 0.1 && right - left >= 2 && bottom - top >= 2 && right + scrollX > 0 && bottom + scrollY > 0;
};

const visible = (selector) => all(selector).filter(shown);

// Text as it is compared: without case, runs of white space, soft hyphens and the typographer's quotes.
const plain = (text) =>
    (text ?? '')
        .normalize('NFKC')
        .replace(/[\u00ad\u200b-\u200d\ufeff]/g, '')
        .replace(/[\u2018\u2019\u02bc]/g, "'")
        .replace(/[\u201c\u201d\u201e]/g, '"')
        .replace(/\s+/g, ' ')
        .trim()
        .toLowerCase();

// Text as a person reads it, without what is only there to be used, cut to so many characters.
const words = (element, most, without = 'button, select, [role=button]') => {
    let text = element?.innerText ?? '';
    for (const used of element?.querySelectorAll(without) ?? []) if (used.innerText) text = text.replace(used.innerText, ' ');
    return text.replace(/\s+/g, ' ').trim().slice(0, most);
};
