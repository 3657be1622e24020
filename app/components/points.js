// Points on a picture, to be put where they belong: press the places one after the other, drag the points, or move them with the
// arrow keys. The server hears where they are when one has been let go of; the square that they span comes back from it.
const KEY_REST_MS = 300; // with the keys a point counts as let go of after this long
const STEP = 0.004, BIG_STEP = 0.02; // shares of the picture's longer side
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const stage = parentElement.querySelector(".points");
  stage.owner = Object.assign(stage.owner ?? { active: 0, timer: 0 }, { data, setTriggerValue });
  if (stage.owner.picture !== data.picture) begin(stage);
  stage.querySelector("polygon").setAttribute("points", data.square.map((corner) => corner.join(",")).join(" "));
  if (!stage.owner.timer) stage.classList.remove("moving");
}

// Another picture, or the points put back: those of the server count. Otherwise those that are here do.
function begin(stage) {
  const { data } = stage.owner;
  Object.assign(stage.owner, { picture: data.picture, points: data.points.map((point) => [...point]), active: 0 });
  const photo = stage.querySelector(".photo");
  const image = photo.querySelector("img");
  image.src = data.image;
  image.alt = data.alt;
  photo.onpointerdown = () => (stage.owner.dragged = false);
  for (const old of photo.querySelectorAll(".point")) old.remove();
  photo.append(...data.labels.map((_, index) => button(stage, index)));
  photo.onclick = (event) => event.detail && !stage.owner.dragged && placeActive(stage, event); // no detail: a key was pressed on a point
  for (const index of data.labels.keys()) show(stage, index);
  activate(stage, 0);
}

function button(stage, index) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "point";
  element.addEventListener("focus", () => activate(stage, index));
  // pressed without being dragged, a ring is a place in the picture like any other: the point that was asked for goes there
  element.addEventListener("mousedown", (event) => event.preventDefault()); // or it had the focus, and were asked for
  element.addEventListener("pointerdown", (event) => element.setPointerCapture(event.pointerId));
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId) || !(event.movementX || event.movementY)) return;
    if (!stage.owner.dragged) element.focus();
    stage.owner.dragged = true;
    move(stage, index, placeOf(stage, event));
  });
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => stage.owner.dragged && settle(stage, 0));
  element.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const { width, height } = stage.querySelector("img").getBoundingClientRect();
    const size = (event.shiftKey ? BIG_STEP : STEP) * Math.max(width, height);
    const [x, y] = stage.owner.points[index];
    move(stage, index, [x + (way[0] * size) / width, y + (way[1] * size) / height]);
    settle(stage, KEY_REST_MS);
  });
  return element;
}

function placeActive(stage, event) {
  const { active, data } = stage.owner;
  move(stage, active, placeOf(stage, event));
  activate(stage, (active + 1) % data.labels.length);
  settle(stage, 0);
}

function placeOf(stage, event) {
  const box = stage.querySelector("img").getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function move(stage, index, place) {
  stage.owner.points[index] = place.map((share) => Math.round(1e4 * Math.min(1, Math.max(0, share))) / 1e4);
  stage.classList.add("moving");
  show(stage, index);
}

function show(stage, index) {
  const { points, data } = stage.owner;
  const element = stage.querySelectorAll(".point")[index];
  const [x, y] = points[index].map((share) => `${(100 * share).toFixed(1)}%`);
  element.style.setProperty("--x", x);
  element.style.setProperty("--y", y);
  element.setAttribute("aria-label", `${data.labels[index]}, ${x} from the left, ${y} from the top. Move with the arrow keys`);
}

function activate(stage, index) {
  stage.owner.active = index;
  stage.querySelectorAll(".point").forEach((element, place) => element.setAttribute("aria-current", String(place === index)));
  stage.querySelector("figcaption").textContent = `Press the ${stage.owner.data.labels[index]} in the picture, or drag its ring. Left and right are as you see them.`;
}

function settle(stage, milliseconds) {
  clearTimeout(stage.owner.timer);
  stage.owner.timer = setTimeout(() => {
    stage.owner.timer = 0;
    stage.owner.setTriggerValue("placed", { points: stage.owner.points, picture: stage.owner.picture });
  }, milliseconds);
}
