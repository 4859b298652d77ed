(id) => {
  const text = (element) => element?.textContent.replace(/\s+/g, " ").trim() || null;
  const page = document.querySelector("#orderDetails");
  if (!page || !page.textContent.includes(id)) return null;
  // Newer pages name each part; what a line's parts have in common is the nearest element around its title that is no other line's.
  const titles = [...page.querySelectorAll("[data-component='itemTitle']")];
  return titles.map((title) => {
    let line = title;
    while (line.parentElement !== page && line.parentElement.querySelectorAll("[data-component='itemTitle']").length === 1) {
      line = line.parentElement;
    }
    const part = (selector) => line.querySelector(selector);
    const link = title.querySelector("a") ?? title.closest("a");
    const price = part("[data-component='unitPrice'] .a-offscreen") ?? part("[data-component='unitPrice']");
    return {
      name: text(title),
      link: link && link.getAttribute("href"),
      quantity: text(part(".od-item-view-qty") ?? part(".item-view-qty") ?? part(".product-image__qty")),
      price: text(price),
      seller: text(part("[data-component='orderedMerchant'] a") ?? part("[data-component='orderedMerchant']")),
    };
  });
}
