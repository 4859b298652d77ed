// What the two selectors name on this page; the answer is `Seen` of identity.rs. Only one value will do: of two, none is the account's.

const value = (selector) => {
    if (selector === null) return null;
    const said = (element) => {
        if (element instanceof HTMLMetaElement) return element.content;
        if (element instanceof HTMLInputElement) return element.value;
        // A menu that is closed is on the page all the same.
        return shown(element) ? element.innerText : element.textContent;
    };
    const values = new Set(all(selector).map((element) => (said(element) ?? '').replace(/\s+/g, ' ').trim()));
    values.delete('');
    return values.size === 1 ? [...values][0].slice(0, 500) : null;
};

return {
    origin: self.origin,
    is_loaded: document.readyState === 'complete',
    status: performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0,
    key: value(key),
    display: value(display),
};
