// Empties the fields that were filled, before a person is shown the page.

for (const field of selectors.flatMap((selector) => all(selector)))
    if (field instanceof HTMLInputElement && field.value !== '') {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '');
        field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    }
