// The grid of held images: one card has the focus, keys move it, choose, open and decide. Without this the boxes tick as ever.
import { choose, listen, say, submit } from "./keys.js";

const form = document.querySelector("[data-grid]");
const filters = document.querySelector("[data-filters]");
if (filters) filters.addEventListener("change", () => filters.requestSubmit());

if (form) {
  const cards = [...form.querySelectorAll("[data-card]")];
  const told = document.getElementById("chosen");
  const link = (card) => card.querySelector(".open");
  const tick = (card) => card.querySelector("input[type=checkbox]");
  const current = () => document.activeElement?.closest("[data-card]");
  let last = 0;

  const count = () => {
    const chosen = cards.filter((card) => tick(card).checked).length;
    told.textContent = chosen ? `${chosen} ${told.dataset.some}` : told.dataset.none;
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
  const decide = (verdict) => {
    const card = current();
    if (card && !cards.some((one) => tick(one).checked)) tick(card).checked = true;
    if (!cards.some((one) => tick(one).checked)) { say(told.dataset.none, true); return; }
    form.requestSubmit(form.querySelector(`button[value="${verdict}"]`));
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
  listen({
    j: () => go(1), k: () => go(-1), ArrowRight: () => go(1), ArrowLeft: () => go(-1),
    ArrowDown: () => go(across()), ArrowUp: () => go(-across()), x: toggle,
    a: () => decide("accept"), m: () => decide("mask"), r: () => decide("reject"),
    s: () => choose("series"), l: () => choose("layout"), u: () => submit("undo"),
  });
  count();
}
