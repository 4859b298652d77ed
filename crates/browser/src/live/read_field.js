// The text field that has the focus in this document, as an element; null if none has.
() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) {
    element = element.shadowRoot.activeElement;
  }
  const kinds = ["text", "email", "password", "tel", "number", "url", "search"];
  const typed = element instanceof HTMLInputElement && kinds.includes(element.type);
  return typed && document.hasFocus() && !element.disabled && !element.readOnly ? element : null;
}
