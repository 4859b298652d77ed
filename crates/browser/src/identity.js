// What the two selectors name on this page; the answer is `Seen` of identity.rs. Only one value will do: of two, none is the account's.

// As it is written: an account is not another one where a style has it in capitals, or its menu is closed.
const written = (element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    let text = '';
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('script, style')) text += walker.currentNode.data;
    return text;
};
// A menu that is closed is on the page all the same.
const seen = (element) => (shown(element) ? element.innerText : written(element));

const value = (selector, text) => {
    if (selector === null) return null;
    const said = (element) => {
        if (element instanceof HTMLMetaElement) return element.content;
        if (element instanceof HTMLInputElement) return element.value;
        return text(element);
    };
    const values = new Set(all(selector).map((element) => (said(element) ?? '').replace(/\s+/g, ' ').trim()));
    values.delete('');
    return values.size === 1 ? [...values][0].slice(0, 500) : null;
};

return {
    origin: self.origin,
    is_loaded: document.readyState === 'complete',
    status: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
    key: value(key, written),
    display: value(display, seen),
};
