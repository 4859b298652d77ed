// Types one value into one field, if this frame is at the origin it is meant for and the field is one that fits. Answers `null` when it
// is in, else one word for why not. `what` is 'secret', 'plain' or 'code'; the value is last, and is in no answer.

if (self.origin !== origin) return 'origin';
const fields = visible(selector);
if (fields.length === 0) return 'missing';

const types = {
    secret: ['password'],
    plain: ['text', 'email', 'tel', 'number', 'password'],
    code: ['text', 'tel', 'number', 'password'],
}[what];
const fits = (field) => {
    if (field instanceof HTMLTextAreaElement) return what === 'plain';
    if (!(field instanceof HTMLInputElement)) return false;
    if (types.includes(field.type)) return true;
    // A site's own way of hiding what is typed.
    const hides = getComputedStyle(field).webkitTextSecurity !== 'none' || field.autocomplete === 'current-password';
    return what === 'secret' && field.type === 'text' && hides;
};
const takes = (field) => !field.disabled && !field.readOnly && !field.matches(':disabled');

const put = (field, text) => {
    field.scrollIntoView({ block: 'center', behavior: 'instant' });
    field.focus({ preventScroll: true });
    if (field.getRootNode().activeElement !== field) return 'focus';
    field.select();
    const is = () => field.value === text || field.value.replace(/[\s-]/g, '') === text.replace(/[\s-]/g, '');
    document.execCommand('insertText', false, text);
    if (!is()) {
        // As a script sets it, where typing is not possible: in a frame that cannot have the focus.
        const prototype = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
        Object.getOwnPropertyDescriptor(prototype, 'value').set.call(field, text);
        field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true, inputType: 'insertText' }));
    }
    field.dispatchEvent(new Event('change', { bubbles: true }));
    if (is()) return null;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '');
    return 'cut';
};

const digits = [...value];
if (what === 'code' && fields.length === digits.length && fields.every((field) => field.maxLength === 1)) {
    // A box for each character.
    if (!fields.every((field) => fits(field) && takes(field))) return 'unfit';
    for (const [index, field] of fields.entries()) {
        if (self.origin !== origin) return 'origin';
        const problem = put(field, digits[index]);
        if (problem) return problem;
    }
    return null;
}
if (fields.length > 1) return 'several';
if (!fits(fields[0])) return 'unfit';
if (!takes(fields[0])) return 'unfit';
return put(fields[0], value);
