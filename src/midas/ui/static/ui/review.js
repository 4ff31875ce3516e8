// The review screen: draw boxes that will be masked in every frame, decide with the keyboard.
// Boxes are kept in image pixels; the form sends them as JSON. Without JavaScript the boxes can be typed.
const stage = document.querySelector("[data-stage]");

if (stage) {
  const image = stage.querySelector("img");
  const sheet = stage.querySelector("svg");
  const field = document.getElementById("boxes");
  const list = document.getElementById("box-list");
  const words = document.getElementById("review-words").dataset;
  const form = document.getElementById("decision");
  const width = Number(stage.dataset.width);
  const height = Number(stage.dataset.height);
  const boxes = [];
  let start = null;
  let chosen = -1;

  const node = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const at = (event) => {
    const place = sheet.getScreenCTM().inverse();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(place);
    return [Math.min(Math.max(point.x, 0), width), Math.min(Math.max(point.y, 0), height)];
  };
  const span = (a, b) => {
    const x = Math.floor(Math.min(a[0], b[0]));
    const y = Math.floor(Math.min(a[1], b[1]));
    return [x, y, Math.ceil(Math.max(a[0], b[0])) - x, Math.ceil(Math.max(a[1], b[1])) - y];
  };
  const shape = (box, kind) => node("rect", { x: box[0], y: box[1], width: box[2], height: box[3], class: kind });

  const draw = (draft) => {
    sheet.replaceChildren(...boxes.map((box, number) => shape(box, number === chosen ? "chosen" : "")));
    if (draft) sheet.append(shape(draft, "draft"));
    field.value = JSON.stringify(boxes);
    list.replaceChildren(...boxes.map((box, number) => {
      const line = document.createElement("li");
      const text = document.createElement("button");
      text.type = "button";
      text.className = "button quiet small";
      text.textContent = `${number + 1}: ${box[2]} × ${box[3]} px @ ${box[0]}, ${box[1]}`;
      text.addEventListener("click", () => { chosen = number; draw(); });
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "button quiet small";
      remove.textContent = words.remove;
      remove.addEventListener("click", () => { boxes.splice(number, 1); chosen = -1; draw(); });
      line.append(text, remove);
      return line;
    }));
    document.getElementById("no-boxes").hidden = boxes.length > 0;
    document.getElementById("mask-button").disabled = boxes.length === 0;
    const accept = form.querySelector("button[value=accept]");
    if (accept) accept.disabled = boxes.length > 0;
  };

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = at(event);
    sheet.setPointerCapture(event.pointerId);
  });
  sheet.addEventListener("pointermove", (event) => { if (start) draw(span(start, at(event))); });
  sheet.addEventListener("pointerup", (event) => {
    if (!start) return;
    const box = span(start, at(event));
    start = null;
    if (box[2] >= 4 && box[3] >= 4) { boxes.push(box); chosen = boxes.length - 1; }
    draw();
  });
  sheet.addEventListener("pointercancel", () => { start = null; draw(); });

  const nudge = (event) => {
    const by = event.shiftKey ? 10 : 1;
    const box = boxes[chosen];
    const moves = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    const move = moves[event.key];
    if (!move) return false;
    const first = event.altKey ? 2 : 0;
    const room = event.altKey ? [width - box[0], height - box[1]] : [width - box[2], height - box[3]];
    const least = event.altKey ? 4 : 0;
    box[first] = Math.min(Math.max(box[first] + move[0], least), room[0]);
    box[first + 1] = Math.min(Math.max(box[first + 1] + move[1], least), room[1]);
    draw();
    return true;
  };
  const decide = (verdict) => {
    const button = form.querySelector(`button[value="${verdict}"]`);
    if (button && !button.disabled) form.requestSubmit(button);
  };
  const follow = (rel) => { const link = document.querySelector(`a[rel="${rel}"]`); if (link) link.click(); };

  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey) return;
    if (chosen >= 0 && event.key.startsWith("Arrow") && nudge(event)) { event.preventDefault(); return; }
    if (event.altKey) return;
    const acts = {
      a: () => decide("accept"), m: () => decide("mask"), r: () => decide("reject"),
      n: () => {
        const side = [Math.round(width / 4), Math.round(height / 8)];
        boxes.push([Math.round((width - side[0]) / 2), Math.round((height - side[1]) / 2), ...side]);
        chosen = boxes.length - 1;
        draw();
      },
      u: () => { boxes.pop(); chosen = boxes.length - 1; draw(); },
      Delete: () => { if (chosen >= 0) { boxes.splice(chosen, 1); chosen = -1; draw(); } },
      Escape: () => { start = null; chosen = -1; draw(); },
      j: () => follow("next"), k: () => follow("prev"),
    };
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  image.addEventListener("dragstart", (event) => event.preventDefault());
  draw();
}
