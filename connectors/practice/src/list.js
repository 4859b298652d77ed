() => {
  const text = (element) => element?.textContent.trim() || null;
  const number = (value) => (/^\d+$/.test(value ?? "") ? Number(value) : null);
  const year = (link) => (/^[12]\d{3}$/.test(link?.dataset.year ?? "") ? Number(link.dataset.year) : null);
  const list = document.querySelector("#orders");
  const years = [...document.querySelectorAll("#years a[data-year]")];
  const next = document.querySelector("#next-page");
  return {
    recognised: Boolean((list && years.length) || document.querySelector("#no-orders")),
    years: years.map(year).filter((one) => one !== null),
    year: year(years.find((link) => link.hasAttribute("aria-current"))),
    count: number(document.querySelector("#order-count")?.dataset.count),
    next: next && next.getAttribute("href"),
    orders: [...(list?.children ?? [])].map((order) => ({
      id: order.dataset.orderId ?? text(order.querySelector(".order-link")),
      date: order.dataset.orderDate ?? order.querySelector("time")?.dateTime ?? null,
      status: order.dataset.orderStatus ?? null,
      total: order.dataset.orderTotal ?? null,
      currency: order.dataset.orderCurrency ?? null,
      items: order.querySelectorAll(".order-items > .item").length,
    })),
  };
}
