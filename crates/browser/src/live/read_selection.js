// The text that is selected in this document. What is in a password field stays there.
() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) {
    element = element.shadowRoot.activeElement;
  }
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    const within = element.type !== "password" && element.selectionStart !== null;
    return within ? element.value.slice(element.selectionStart, element.selectionEnd ?? undefined) : "";
  }
  return document.hasFocus() ? String(getSelection() ?? "") : "";
}
