// The grid of held images: one card has the focus, keys move it, choose, open and decide. Without this the boxes tick as ever.
import { cardsOf } from "./cards.js";
import { choose, listen, say, submit } from "./keys.js";

const form = document.querySelector("[data-grid]");
const filters = document.querySelector("[data-filters]");
if (filters) filters.addEventListener("change", () => filters.requestSubmit());

if (form) {
  const { moves, toggle, some, told } = cardsOf(form);
  const decide = (verdict) => {
    if (!some()) { say(told.dataset.none, true); return; }
    form.requestSubmit(form.querySelector(`button[value="${verdict}"]`));
  };
  listen({
    ...moves, x: toggle,
    a: () => decide("accept"), m: () => decide("mask"), r: () => decide("reject"),
    s: () => choose("series"), l: () => choose("layout"), u: () => submit("undo"),
  });
}
