// Cards of which one has the focus and several may be chosen: what the spoke's grid and the hub's gallery share.
export const cardsOf = (form) => {
  const cards = [...form.querySelectorAll("[data-card]")];
  const told = document.getElementById("chosen");
  const link = (card) => card.querySelector(".open");
  const tick = (card) => card.querySelector("input[type=checkbox]");
  const current = () => document.activeElement?.closest("[data-card]");
  let last = 0;

  const count = () => {
    const chosen = cards.filter((card) => tick(card).checked).length;
    told.textContent = chosen ? `${chosen} ${told.dataset.some}` : told.dataset.none;
    return chosen;
  };
  const go = (by) => {
    const at = cards.indexOf(current());
    const next = cards[Math.min(Math.max(at < 0 ? 0 : at + by, 0), cards.length - 1)];
    link(next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const across = () => {
    const top = cards[0].offsetTop;
    return Math.max(1, cards.findIndex((card) => card.offsetTop > top));
  };
  const toggle = () => {
    const card = current();
    if (!card) return;
    tick(card).checked = !tick(card).checked;
    count();
  };
  // Say whether something is chosen; where nothing is, the card with the focus is.
  const some = () => {
    const card = current();
    if (card && !cards.some((one) => tick(one).checked)) tick(card).checked = true;
    return count() > 0;
  };

  form.addEventListener("change", count);
  form.addEventListener("click", (event) => {
    const box = event.target.closest("[data-card] input[type=checkbox]");
    if (!box) return;
    const at = cards.findIndex((card) => tick(card) === box);
    if (event.shiftKey) {
      for (const card of cards.slice(Math.min(last, at), Math.max(last, at) + 1)) tick(card).checked = box.checked;
      count();
    }
    last = at;
  });
  count();
  const moves = {
    j: () => go(1), k: () => go(-1), ArrowRight: () => go(1), ArrowLeft: () => go(-1),
    ArrowDown: () => go(across()), ArrowUp: () => go(-across()),
  };
  return { moves, toggle, some, told, go };
};
