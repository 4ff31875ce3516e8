// A reader's keys: digits choose an answer, arrows go to the item before or after, V opens the viewer, Enter submits.
import { follow, listen, say } from "./keys.js";

const form = document.getElementById("answer");
const pick = (number) => {
  const choice = form?.querySelectorAll("input[type=radio]")[number - 1];
  if (!choice) return;
  choice.checked = true;
  choice.focus();
  say(choice.nextElementSibling.textContent.trim());
};
const acts = { ArrowLeft: () => follow("prev"), ArrowRight: () => follow("next"), v: () => document.querySelector("[data-viewer]")?.click() };
for (let number = 1; number <= 9; number += 1) acts[number] = () => pick(number);

listen(acts, (event) => {
  if (event.key !== "Enter" || !form || event.target.closest("a, button, summary")) return false;
  if (form.reportValidity()) form.requestSubmit(form.querySelector("button[value=submit]") ?? undefined);
  return true;
});
