// What the review pages share: keys that act only where nobody types, a help dialog, words for screen readers.
export const say = (text, shown = false) => {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
  const note = document.getElementById("note");
  if (note) { note.textContent = shown ? text : ""; note.hidden = !shown; }
};

const help = document.getElementById("help");
const open = () => { if (help && !help.open) help.showModal(); };
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", open);

export const choose = (scope) => {
  const wanted = document.querySelector(`input[name=scope][value=${scope}]`);
  if (!wanted) return;
  const other = document.querySelector("input[name=scope][value=items]") ?? wanted;
  (wanted.checked ? other : wanted).checked = true;
  wanted.dispatchEvent(new Event("change", { bubbles: true }));
  const now = document.querySelector("input[name=scope]:checked");
  say(now.nextElementSibling.textContent.trim());
};

export const submit = (id) => { const form = document.getElementById(id); if (form) form.requestSubmit(); };
export const follow = (rel) => { const link = document.querySelector(`main a[rel="${rel}"]`); if (link) link.click(); };

// `acts` maps a key to what it does; `before` may take an event first and says whether it did.
export const listen = (acts, before = () => false) => {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select");
    if (event.key === "Escape" && typing) { typing.blur(); return; }
    if (typing || help?.open || event.metaKey) return;
    if (before(event)) { event.preventDefault(); return; }
    if (event.ctrlKey || event.altKey) return;
    const act = event.key === "?" ? open : acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); act(event); }
  });
};
