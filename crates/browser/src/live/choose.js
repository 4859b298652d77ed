// Takes an entry of the list that is open, as the owner's choice, and tells the page so.
(index) => {
  const select = globalThis.freeholdSelect;
  const option = select?.options[index];
  if (option && !option.disabled && !option.selected) {
    select.selectedIndex = index;
    select.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
