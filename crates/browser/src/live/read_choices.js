// The entries of the list that was just opened.
function () {
  const options = [...this.options].slice(0, 1000);
  return options.map((option, index) => ({
    index,
    label: option.label || option.text,
    group: option.parentElement instanceof HTMLOptGroupElement ? option.parentElement.label : "",
    enabled: !option.disabled && !(option.parentElement instanceof HTMLOptGroupElement && option.parentElement.disabled),
    chosen: option.selected,
  }));
}
