// The gallery of findings: keys move, choose and decide; a decision asks for its reason once, for all that is chosen.
import { cardsOf } from "./cards.js";
import { listen, say } from "./keys.js";

const AGAIN = "midas-findings";
const form = document.querySelector("[data-findings]");
const filters = document.querySelector("[data-filters]");
if (filters) filters.addEventListener("change", () => filters.requestSubmit());

if (form) {
  const { moves, toggle, some, told, go } = cardsOf(form);
  const why = form.querySelector("input[name=why]");
  const button = (verdict) => form.querySelector(`button[value="${verdict}"]`);
  let meant = null;

  const decide = (verdict) => {
    if (!some()) { say(told.dataset.none, true); return; }
    meant = button(verdict);
    if (why.value.trim()) { form.requestSubmit(meant); return; }
    say(`${meant.dataset.says} ${told.dataset.ask}`, true);
    why.focus();
  };
  form.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[name=verdict]");
    if (pressed) { event.preventDefault(); decide(pressed.value); }
  });
  why.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (meant && why.value.trim()) form.requestSubmit(meant);
  });
  form.addEventListener("submit", () => sessionStorage.setItem(AGAIN, "yes"));
  listen({
    ...moves, " ": toggle, e: toggle,
    a: () => decide("accept"), x: () => decide("exclude"), s: () => decide("ask"), o: () => decide("reopen"),
    w: () => why.focus(),
  });
  if (sessionStorage.getItem(AGAIN)) { sessionStorage.removeItem(AGAIN); go(0); }
}
