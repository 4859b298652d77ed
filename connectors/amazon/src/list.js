() => {
  const text = (element) => element?.textContent.replace(/\s+/g, " ").trim() || null;
  const first = (root, ...selectors) => {
    for (const selector of selectors) {
      const found = root.querySelector(selector);
      if (text(found)) return found;
    }
    return null;
  };
  // A recommendation may borrow an order's classes; it has no head with a number.
  const isOrder = (card) => card.querySelector(".order-header, .yohtmlc-order-id") && !card.closest(".a-carousel-card, aside");
  const cards = [...document.querySelectorAll(".order-card, .js-order-card")].filter(isOrder);
  const select = document.querySelector("#time-filter, select[name='timeFilter'], select[name='orderFilter']");
  const options = [...(select?.options ?? [])];
  const count = text(first(document, ".num-orders", ".js-time-filter-form b"));
  const next = document.querySelector("ul.a-pagination li.a-last:not(.a-disabled) a");

  // The values of an order's head. Their labels are words of a language, so each is told by what it looks like or what it is within.
  const head = (card) => [...card.querySelectorAll(".order-header__header-list-item, .order-header .a-column")];
  const values = (parts) => parts
    .flatMap((part) => [...part.querySelectorAll("span, bdi")])
    .filter((part) => !part.querySelector("span, bdi") && !part.matches(".a-text-caps"))
    .map(text)
    .filter(Boolean);
  const hasDigit = (value) => /\d/.test(value);
  const isDay = (value) => /\b(19|20)\d\d\b|\d年/.test(value) && !/\d{3}-\d{7}/.test(value);
  const isMoney = (value) => hasDigit(value) && /\p{Sc}|円|\b[A-Z]{3}\b/u.test(value);
  const order = (card) => {
    const all = values(head(card));
    const of = (kind) => values(head(card).filter((part) => part.matches(kind) || part.querySelector(kind)));
    const items = [...card.querySelectorAll(".yohtmlc-product-title, .yo-enhanced-title")].map((title) => {
      const box = title.closest(".item-box, .yohtmlc-item, .a-fixed-left-grid, .yo-enhanced-card") ?? title.parentElement;
      const link = title.querySelector("a") ?? title.closest("a") ?? box.querySelector("a[href*='/dp/'], a[href*='/gp/product/']");
      return {
        name: text(title),
        link: link && link.getAttribute("href"),
        quantity: text(first(box, ".product-image__qty", ".item-view-qty", ".od-item-view-qty")),
      };
    });
    return {
      id: text(first(card, ".yohtmlc-order-id [dir='ltr']", ".yohtmlc-order-id", "bdi[dir='ltr']")),
      date: all.find(isDay) ?? null,
      total: of(".yohtmlc-order-total").find(hasDigit) ?? all.find(isMoney) ?? null,
      recipient: of(".yohtmlc-recipient").at(-1) ?? null,
      status: text(first(card, ".yohtmlc-shipment-status-primaryText", ".delivery-box__primary-text")),
      items,
    };
  };
  return {
    recognised: select !== null,
    years: options.map((option) => /^year-([12]\d{3})$/.exec(option.value)?.[1]).filter(Boolean).map(Number),
    filter: select?.value || null,
    count: count && hasDigit(count) ? Number(count.replace(/(\d)[.,\s](?=\d{3})/g, "$1").match(/\d+/)[0]) : null,
    next: next && next.origin === location.origin ? next.pathname + next.search : null,
    orders: cards.map(order),
  };
}
