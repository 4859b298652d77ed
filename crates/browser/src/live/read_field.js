// What has the focus in this document, or in this shadow root, as an element: a text field; or, where a closed shadow root may hide
// one, its host. Null if it is neither.
function () {
  let element = (this?.activeElement === undefined ? document : this).activeElement;
  while (element?.shadowRoot?.activeElement) {
    element = element.shadowRoot.activeElement;
  }
  if (!element || !document.hasFocus()) {
    return null;
  }
  const kinds = ["text", "email", "password", "tel", "number", "url", "search"];
  const typed = element instanceof HTMLInputElement && kinds.includes(element.type);
  // A long text is too much to tell with every key.
  const written = element instanceof HTMLTextAreaElement && element.textLength < 20_000;
  if (typed || written) {
    return element.disabled || element.readOnly ? null : element;
  }
  const hosts = ["article", "aside", "blockquote", "div", "footer", "header", "main", "nav", "p", "section", "span"];
  const hides = element.shadowRoot === null && (element.localName.includes("-") || hosts.includes(element.localName));
  return element.isContentEditable || hides ? element : null;
}
