(id) => {
  if (document.querySelector("#order")?.dataset.orderId !== id) return null;
  const rows = [...document.querySelectorAll("#items > tbody > tr")];
  if (rows.length === 0) return null;
  return rows.map((row) => ({
    line: row.dataset.line ?? null,
    product: row.dataset.itemId ?? null,
    name: row.querySelector(".item-name")?.textContent.trim() || null,
    quantity: row.dataset.quantity ?? null,
    price: row.dataset.price ?? null,
  }));
}
