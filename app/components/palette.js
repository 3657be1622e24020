// Two edits on one plane: the first across, the second upwards. The plane shows the frames rendered ahead where they belong.
const KEY_REST_MS = 200; // with the keys a point counts as let go of after this long
const CELL = 64; // pixels of a small picture on the plane
const BIG_STEP = 5;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const plane = parentElement.querySelector(".plane");
  plane.owner = Object.assign(plane.owner ?? { moved: false }, { data, setStateValue });
  if (!plane.dataset.ready) {
    plane.dataset.ready = "yes";
    listen(plane);
    plane.onLive = (event) => event.detail.fetched && drawFrames(plane);
    window.addEventListener("eclipsed-live", plane.onLive);
  }
  parentElement.querySelector(".across").textContent = `${data.labels[0]} \u2192`;
  parentElement.querySelector(".upwards").textContent = `${data.labels[1]} \u2192`;
  if (!plane.owner.moved && !isStale(data.revision)) show(plane, data.point);
  expectFrames(data.target, data.basis);
  drawFrames(plane);
  return () => window.removeEventListener("eclipsed-live", plane.onLive);
}

function show(plane, point) {
  const { limits, labels } = plane.owner.data;
  plane.owner.point = point;
  plane.style.setProperty("--x", `${50 + (50 * point[0]) / limits[0]}%`);
  plane.style.setProperty("--y", `${50 - (50 * point[1]) / limits[1]}%`);
  const text = labels.map((label, axis) => `${label} ${point[axis].toFixed(2).replace("-", "\u2212")}`).join(", ");
  plane.querySelector(".point").setAttribute("aria-label", `${text}. Move with the arrow keys`);
}

function drawFrames(plane) {
  const { target, limits } = plane.owner.data;
  const frames = live.sets.get(keyOf(target))?.frames ?? [];
  const canvas = plane.querySelector("canvas");
  const cells = new Set(frames.map((frame) => frame.point[0])).size;
  canvas.width = canvas.height = Math.max(1, cells) * CELL;
  const place = (value, limit) => Math.round(((value / limit + 1) / 2) * (cells - 1)) * CELL;
  const context = canvas.getContext("2d");
  for (const { point, bitmap } of frames) {
    context.drawImage(bitmap, place(point[0], limits[0]), (cells - 1) * CELL - place(point[1], limits[1]), CELL, CELL);
  }
}

function listen(plane) {
  const ask = () => release(plane.owner.point, plane.owner.setStateValue);
  const settle = (milliseconds) => settleLater(plane.owner, milliseconds, ask);
  const move = (point) => {
    const { target, limits, step } = plane.owner.data;
    const inside = (value, limit) => Math.min(limit, Math.max(-limit, Math.round(value / step) * step));
    plane.owner.moved = true;
    show(plane, point.map((value, axis) => inside(value, limits[axis])));
    drag(target, plane.owner.point);
  };
  const follow = (event) => {
    const box = plane.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const [across, upwards] = plane.owner.data.limits;
    move([(2 * x - 1) * across, (1 - 2 * y) * upwards]);
  };
  plane.addEventListener("pointerenter", () => arm(plane.owner.data.target));
  plane.addEventListener("focusin", () => arm(plane.owner.data.target));
  plane.addEventListener("pointerdown", (event) => {
    settleNow(plane.owner, ask);
    plane.setPointerCapture(event.pointerId);
    follow(event);
  });
  plane.addEventListener("pointermove", (event) => plane.hasPointerCapture(event.pointerId) && follow(event));
  for (const name of ["pointerup", "pointercancel"]) plane.addEventListener(name, () => settle(0));
  plane.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const size = plane.owner.data.step * (event.shiftKey ? BIG_STEP : 1);
    move(plane.owner.point.map((value, axis) => value + way[axis] * size));
    settle(KEY_REST_MS);
  });
}
