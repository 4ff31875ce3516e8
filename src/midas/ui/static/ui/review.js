// The review page: boxes that are masked in every frame can be dropped, moved, resized and added; keys decide.
// Boxes are kept in image pixels; the form sends them as JSON. Without this script they can be ticked and typed.
import { choose, follow, listen, say, submit } from "./keys.js";

const stage = document.querySelector("[data-stage]");
const form = document.getElementById("decision");
const decide = (verdict) => {
  const button = form?.querySelector(`button[value="${verdict}"]`);
  if (button && !button.disabled) { form.requestSubmit(button); return true; }
  return false;
};
const pair = document.getElementById("pair");
const frame = (by) => {
  const frames = [...document.querySelectorAll(".frames a")];
  frames[frames.findIndex((one) => one.ariaCurrent) + by]?.click();
};
const acts = {
  a: () => decide("accept"), m: () => decide("mask"), r: () => decide("reject"),
  s: () => choose("series"), l: () => choose("layout"), u: () => submit("undo"),
  j: () => follow("next"), k: () => follow("prev"), e: () => pair?.classList.toggle("large"),
  w: () => document.getElementById("why")?.focus(), ",": () => frame(-1), ".": () => frame(1),
};
let arrows = () => false;

// An act that reaches more than one image shows all of them laid over each other, so that no name lies beside a box.
if (stage?.dataset.together && form) {
  const pictures = [...document.querySelectorAll(".stage img")];
  const alone = pictures[0].src;
  form.addEventListener("change", (event) => {
    if (event.target.name !== "scope") return;
    const scope = form.querySelector("input[name=scope]:checked").value;
    for (const one of pictures) one.src = scope === "items" ? alone : `${stage.dataset.together}?scope=${scope}`;
    document.getElementById("laid").hidden = scope === "items";
  });
}

if (stage && document.getElementById("box-list")) {
  const sheet = stage.querySelector("svg");
  const after = document.getElementById("after");
  const field = document.getElementById("boxes");
  const list = document.getElementById("box-list");
  const words = list.dataset;
  const width = Number(stage.dataset.width);
  const height = Number(stage.dataset.height);
  const LEAST = 4;
  let boxes = [...list.children].map((line) => ({
    at: line.dataset.box.split(",").map(Number), machine: "machine" in line.dataset, evidence: line.dataset.evidence,
  }));
  let chosen = -1;
  let pull = null;
  const past = [];
  document.getElementById("drawn").value = "1";

  const keep = () => { past.push(boxes.map((box) => ({ ...box, at: [...box.at] }))); };
  const node = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const shape = (at, more = {}) => node("rect", { x: at[0], y: at[1], width: at[2], height: at[3], ...more });
  const place = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(sheet.getScreenCTM().inverse());
    return [Math.min(Math.max(point.x, 0), width), Math.min(Math.max(point.y, 0), height)];
  };
  const reach = () => 9 / sheet.getScreenCTM().a;
  const span = (a, b) => {
    const x = Math.floor(Math.min(a[0], b[0]));
    const y = Math.floor(Math.min(a[1], b[1]));
    return [x, y, Math.ceil(Math.max(a[0], b[0])) - x, Math.ceil(Math.max(a[1], b[1])) - y];
  };
  const label = (box, number) => `${words.box} ${number + 1}: ${box.at[2]} × ${box.at[3]} @ ${box.at[0]}, ${box.at[1]}. ${box.machine ? words.machine : words.person} ${box.evidence ?? ""}`;

  const rects = () => boxes.map((box, number) => shape(box.at, {
    class: [box.machine && "machine", number === chosen && "chosen"].filter(Boolean).join(" "),
    tabindex: 0, role: "button", "aria-label": label(box, number), "aria-pressed": number === chosen, "data-n": number,
  }));
  const grips = () => {
    if (chosen < 0) return [];
    const [x, y, w, h] = boxes[chosen].at;
    const side = reach() * 0.8;
    return [[x, y], [x + w, y], [x, y + h], [x + w, y + h]].map(([cx, cy]) => shape([cx - side / 2, cy - side / 2, side, side], { class: "grip" }));
  };
  const line = (box, number) => {
    const item = document.createElement("li");
    if (number === chosen) item.className = "chosen";
    const pick = document.createElement("button");
    const drop = document.createElement("button");
    pick.type = drop.type = "button";
    pick.textContent = `${number + 1} · ${box.at[2]} × ${box.at[3]}${box.evidence ? ` · ${box.evidence}` : ""}`;
    pick.setAttribute("aria-label", label(box, number));
    pick.addEventListener("click", () => { chosen = number; draw(); });
    drop.textContent = words.remove;
    drop.setAttribute("aria-label", `${words.remove} ${number + 1}`);
    drop.addEventListener("click", () => { chosen = number; remove(); });
    item.append(pick, drop);
    return item;
  };
  const draw = (draft) => {
    const focused = document.activeElement?.dataset?.n;
    sheet.replaceChildren(...rects(), ...grips(), ...(draft ? [shape(draft, { class: "draft" })] : []));
    after?.replaceChildren(...boxes.map((box) => shape(box.at)));
    if (focused !== undefined) sheet.querySelector(`[data-n="${chosen}"]`)?.focus();
    field.value = JSON.stringify(boxes.map((box) => box.at));
    list.replaceChildren(...boxes.map(line));
    document.getElementById("no-boxes").hidden = boxes.length > 0;
    const mask = document.getElementById("mask-button");
    mask.disabled = boxes.length === 0;
    mask.classList.toggle("plain", boxes.length === 0);
    const accept = form.querySelector("button[value=accept]");
    accept.disabled = boxes.length > 0;
    accept.classList.toggle("plain", boxes.length > 0);
  };
  const add = (at) => { keep(); boxes.push({ at, machine: false, evidence: "" }); chosen = boxes.length - 1; draw(); };
  const remove = () => { if (chosen < 0) return; keep(); boxes.splice(chosen, 1); chosen = Math.min(chosen, boxes.length - 1); draw(); };
  const step = (by) => {
    if (!boxes.length) return;
    chosen = (chosen + by + boxes.length) % boxes.length;
    draw();
    sheet.querySelector(`[data-n="${chosen}"]`).focus();
  };
  const change = (at) => { boxes[chosen] = { ...boxes[chosen], at: at.map(Math.round), machine: false }; };

  // Which sides of box `at` a point pulls: [left, top, right, bottom]; none of them moves the box as a whole.
  const sides = (at, point) => {
    const near = (one, other) => Math.abs(one - other) <= reach();
    return [near(point[0], at[0]), near(point[1], at[1]), near(point[0], at[0] + at[2]), near(point[1], at[1] + at[3])];
  };
  const inside = (at, point, room) => point[0] >= at[0] - room && point[0] <= at[0] + at[2] + room && point[1] >= at[1] - room && point[1] <= at[1] + at[3] + room;
  const moved = (at, by) => [Math.min(Math.max(at[0] + by[0], 0), width - at[2]), Math.min(Math.max(at[1] + by[1], 0), height - at[3]), at[2], at[3]];
  const pulled = (at, [left, top, right, bottom], point) => {
    const x = [left ? Math.min(point[0], at[0] + at[2] - LEAST) : at[0], right && !left ? Math.max(point[0], at[0] + LEAST) : at[0] + at[2]];
    const y = [top ? Math.min(point[1], at[1] + at[3] - LEAST) : at[1], bottom && !top ? Math.max(point[1], at[1] + LEAST) : at[1] + at[3]];
    return [x[0], y[0], x[1] - x[0], y[1] - y[0]];
  };

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const point = place(event);
    const order = chosen >= 0 ? [chosen, ...boxes.keys()] : [...boxes.keys()];
    const hit = order.find((number) => inside(boxes[number].at, point, number === chosen ? reach() : 0));
    sheet.setPointerCapture(event.pointerId);
    if (hit === undefined) { pull = { from: point }; return; }
    const held = hit === chosen ? sides(boxes[hit].at, point) : [false, false, false, false];
    chosen = hit;
    pull = { from: point, box: [...boxes[hit].at], held };
    draw();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!pull) return;
    const point = place(event);
    if (!pull.box) { draw(span(pull.from, point)); return; }
    if (!pull.kept) { if (Math.hypot(point[0] - pull.from[0], point[1] - pull.from[1]) < reach() / 3) return; keep(); pull.kept = true; }
    change(pull.held.some(Boolean) ? pulled(pull.box, pull.held, point) : moved(pull.box, [point[0] - pull.from[0], point[1] - pull.from[1]]));
    draw();
  });
  sheet.addEventListener("pointerup", (event) => {
    if (!pull) return;
    const begun = pull;
    pull = null;
    const at = span(begun.from, place(event));
    if (!begun.box && at[2] >= LEAST && at[3] >= LEAST) add(at);
    else draw();
  });
  sheet.addEventListener("pointercancel", () => { pull = null; draw(); });
  sheet.addEventListener("focusin", (event) => {
    const number = Number(event.target.dataset?.n ?? -1);
    if (number >= 0 && number !== chosen) { chosen = number; draw(); }
  });
  stage.querySelector("img").addEventListener("dragstart", (event) => event.preventDefault());

  arrows = (event) => {
    if (event.ctrlKey && event.key === "z") { if (past.length) { boxes = past.pop(); chosen = Math.min(chosen, boxes.length - 1); draw(); } return true; }
    const by = event.shiftKey ? 10 : 1;
    const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
    if (!move || chosen < 0 || event.ctrlKey) return false;
    const at = boxes[chosen].at;
    keep();
    if (event.altKey) change([at[0], at[1], Math.min(Math.max(at[2] + move[0], LEAST), width - at[0]), Math.min(Math.max(at[3] + move[1], LEAST), height - at[1])]);
    else change(moved(at, move));
    draw();
    return true;
  };
  Object.assign(acts, {
    n: () => { const side = [Math.round(width / 4), Math.round(height / 8)]; add([Math.round((width - side[0]) / 2), Math.round((height - side[1]) / 2), ...side]); },
    "[": () => step(-1), "]": () => step(1), d: remove, Delete: remove, Backspace: remove,
    x: () => { if (boxes.length) { keep(); boxes = []; chosen = -1; draw(); } },
    Escape: () => { pull = null; chosen = -1; draw(); },
    a: () => { if (!decide("accept")) say(words.refused, true); },
    m: () => { if (!decide("mask")) say(words.none, true); },
  });
  draw();
}
listen(acts, (event) => arrows(event));
