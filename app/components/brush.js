// A brush on a mask. What is painted shows at once: strokes are laid on the class numbers here exactly as the server lays them
// (`baselines.shape.masks.covered`), and stay until its mask has them. The server gets every stroke that it has not drawn yet.
const STEP = 0.02, BIG_STEP = 0.1; // of the arrow keys, in shares of the side
const CLOSE = 0.004; // points nearer to the one before are left out
const MAX_POINTS = 2000; // of a stroke; a longer one goes on as another
const SMALLEST = 0.75; // pixels, the least radius
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ERASER = -1, BACKGROUND = 0, THIN = 110; // the background hides less of the picture than the parts do

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const stage = parentElement.querySelector(".brush");
  const first = !stage.owner;
  stage.owner ??= { pending: [], serial: 0, stroke: null, place: [0.5, 0.5], label: data.chosen, turn: 0 };
  Object.assign(stage.owner, { data, setStateValue });
  if (first) listen(stage);
  const image = stage.querySelector("img");
  if (image.getAttribute("src") !== data.image) image.src = data.image;
  image.alt = data.alt;
  take(stage);
}

// The server's mask, and on it what it does not know of yet.
async function take(stage) {
  const { owner } = stage;
  const { data } = owner;
  const turn = (owner.turn += 1);
  const [mask, original] = await Promise.all([labelsOf(data.mask), labelsOf(data.original)]);
  if (turn !== owner.turn) return; // a later answer has come meanwhile
  if (owner.picture !== data.picture) Object.assign(owner, { picture: data.picture, pending: [], stroke: null });
  owner.pending = owner.pending.filter((stroke) => stroke.serial > data.serial);
  Object.assign(owner, { serial: Math.max(owner.serial, data.serial), side: mask.side, labels: mask.labels, original: original.labels });
  for (const stroke of [...owner.pending, ...(owner.stroke ? [owner.stroke] : [])]) leave(owner, stroke, 0);
  draw(stage);
}

async function labelsOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  return { side: image.width, labels: Uint8Array.from({ length: pixels.length / 4 }, (_, place) => pixels[4 * place]) };
}

function draw(stage) {
  const { labels, side, data } = stage.owner;
  const canvas = stage.querySelector("canvas");
  if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
  const pixels = new ImageData(side, side);
  const colours = data.classes.map(({ colour }, label) => [...colour, label === BACKGROUND ? THIN : 255]);
  labels.forEach((label, place) => pixels.data.set(colours[label], 4 * place));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  canvas.setAttribute("aria-label", `${data.alt}, with a brush on its mask. Arrow keys move the brush, space paints`);
  showTools(stage);
}

// Lays the points from `from` on of a stroke on the class numbers.
function leave(owner, stroke, from) {
  const { side, labels, original } = owner;
  const radius = Math.max(SMALLEST, (stroke.size * side) / 2);
  const inside = (value) => Math.min(side, Math.max(0, value));
  for (let index = Math.max(1, from); index <= Math.max(1, stroke.points.length - 1); index += 1) {
    const [start, end] = [stroke.points[index - 1], stroke.points[Math.min(index, stroke.points.length - 1)]].map(([x, y]) => [x * side, y * side]);
    const [left, right] = [inside(Math.floor(Math.min(start[0], end[0]) - radius)), inside(Math.ceil(Math.max(start[0], end[0]) + radius) + 1)];
    const [top, bottom] = [inside(Math.floor(Math.min(start[1], end[1]) - radius)), inside(Math.ceil(Math.max(start[1], end[1]) + radius) + 1)];
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        if (distance(x + 0.5, y + 0.5, start, end) <= radius) labels[y * side + x] = stroke.label === ERASER ? original[y * side + x] : stroke.label;
      }
    }
  }
}

function distance(x, y, start, end) {
  const [across, down] = [end[0] - start[0], end[1] - start[1]];
  const along = ((x - start[0]) * across + (y - start[1]) * down) / Math.max(1e-12, across * across + down * down);
  const near = Math.min(1, Math.max(0, along));
  return Math.hypot(x - start[0] - near * across, y - start[1] - near * down);
}

// --- a stroke ------------------------------------------------------------------------------------------------------------

const rounded = (value) => Math.round(1e4 * Math.min(1.5, Math.max(-0.5, value))) / 1e4;

function begin(stage, place) {
  const { owner } = stage;
  owner.before = owner.labels.slice();
  const label = stage.dataset.tool === "erase" ? ERASER : owner.label;
  owner.stroke = { label, size: Number(stage.querySelector(".size").value) / 200, points: [place.map(rounded)] };
  leave(owner, owner.stroke, 0);
  draw(stage);
}

function extend(stage, place) {
  const { owner } = stage;
  const { points } = owner.stroke;
  const [x, y] = place.map(rounded);
  const last = points[points.length - 1];
  if (Math.hypot(x - last[0], y - last[1]) < CLOSE) return;
  points.push([x, y]);
  leave(owner, owner.stroke, points.length - 1);
  draw(stage);
  if (points.length >= MAX_POINTS) {
    finish(stage);
    begin(stage, place);
  }
}

function finish(stage) {
  const { owner } = stage;
  if (!owner.stroke) return;
  owner.serial += 1;
  owner.pending.push({ ...owner.stroke, serial: owner.serial });
  owner.stroke = null;
  owner.setStateValue("strokes", { picture: owner.picture, strokes: owner.pending });
}

function giveUp(stage) {
  const { owner } = stage;
  if (!owner.stroke) return;
  Object.assign(owner, { stroke: null, labels: owner.before });
  draw(stage);
}

// --- what one does -------------------------------------------------------------------------------------------------------

function listen(stage) {
  const { owner } = stage;
  const sheet = stage.querySelector(".sheet"), canvas = stage.querySelector("canvas"), select = stage.querySelector("select");
  select.replaceChildren(...owner.data.classes.map(({ name }, label) => new Option(name, label)));
  select.addEventListener("change", () => choose(stage, Number(select.value)));
  for (const button of stage.querySelectorAll(".kinds button")) button.addEventListener("click", () => use(stage, button.dataset.choice));
  stage.querySelector(".size").addEventListener("input", () => showRing(stage));
  stage.querySelector(".shade").addEventListener("input", (event) => stage.style.setProperty("--shade", event.target.value / 100));
  listenToPointer(stage, sheet, canvas);
  listenToKeys(stage, sheet, canvas);
}

function listenToPointer(stage, sheet, canvas) {
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const follow = (event) => {
    stage.owner.place = placeOf(event);
    sheet.classList.add("near");
    showRing(stage);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!stage.owner.labels || event.button || !event.isPrimary) return;
    follow(event);
    if (stage.dataset.tool === "pick") return pick(stage);
    canvas.setPointerCapture(event.pointerId);
    begin(stage, placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    follow(event);
    if (!stage.owner.stroke || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const point of event.getCoalescedEvents?.() ?? [event]) extend(stage, placeOf(point));
    extend(stage, placeOf(event));
  });
  canvas.addEventListener("pointerup", () => finish(stage));
  canvas.addEventListener("pointercancel", () => giveUp(stage)); // two fingers: the page is meant
  canvas.addEventListener("pointerleave", () => document.activeElement !== canvas && sheet.classList.remove("near"));
}

function listenToKeys(stage, sheet, canvas) {
  canvas.addEventListener("focus", () => {
    sheet.classList.toggle("near", canvas.matches(":focus-visible"));
    showRing(stage);
  });
  canvas.addEventListener("blur", () => {
    sheet.classList.remove("near");
    finish(stage);
  });
  canvas.addEventListener("keydown", (event) => {
    const { owner } = stage;
    const way = KEYS[event.key], size = stage.querySelector(".size");
    if (!owner.labels || event.ctrlKey || event.metaKey) return;
    if (way) {
      const step = event.shiftKey ? BIG_STEP : STEP;
      owner.place = owner.place.map((value, axis) => Math.min(1, Math.max(0, value + way[axis] * step)));
      if (owner.stroke) extend(stage, owner.place);
    } else if (event.key === " " && !event.repeat) {
      if (stage.dataset.tool === "pick") pick(stage);
      else if (!owner.stroke) begin(stage, owner.place);
    } else if (event.key === "[" || event.key === "]") {
      size.value = Number(size.value) + (event.key === "]" ? 2 : -2);
    } else if (event.key !== " ") return;
    event.preventDefault();
    sheet.classList.add("near");
    showRing(stage);
    tell(stage);
  });
  canvas.addEventListener("keyup", (event) => event.key === " " && finish(stage));
}

function use(stage, tool) {
  stage.dataset.tool = tool;
  showTools(stage);
}

function choose(stage, label) {
  stage.owner.label = label;
  if (stage.dataset.tool !== "paint") stage.dataset.tool = "paint";
  showTools(stage);
}

function under(owner) {
  const pixel = (value) => Math.min(owner.side - 1, Math.max(0, Math.floor(value * owner.side)));
  return owner.labels[pixel(owner.place[1]) * owner.side + pixel(owner.place[0])];
}

function pick(stage) {
  choose(stage, under(stage.owner));
  tell(stage);
}

function tell(stage) {
  const { owner } = stage;
  stage.querySelector(".told").textContent = `Under the brush: ${owner.data.classes[under(owner)].name}.`;
}

function showTools(stage) {
  const { owner } = stage;
  for (const button of stage.querySelectorAll(".kinds button")) button.setAttribute("aria-pressed", String(button.dataset.choice === stage.dataset.tool));
  stage.querySelector("select").value = owner.label;
  stage.querySelector(".dot").style.setProperty("--colour", owner.data.classes[owner.label].colour.join(" "));
  showRing(stage);
}

function showRing(stage) {
  const ring = stage.querySelector(".ring"), [x, y] = stage.owner.place;
  Object.assign(ring.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${Number(stage.querySelector(".size").value) / 2}%` });
}
