// A slider for the strength of one edit. It is a range input, so keys and screen readers work as everywhere.
const KEY_REST_MS = 200; // with the keys a strength counts as let go of after this long

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const input = parentElement.querySelector("input");
  input.owner = Object.assign(input.owner ?? { moved: false }, { data, setStateValue });
  if (!input.dataset.ready) {
    input.dataset.ready = "yes";
    listen(input);
  }
  const [limit] = data.limits;
  Object.assign(input, { min: data.lowest, max: limit, step: data.step, disabled: data.disabled });
  input.setAttribute("aria-label", data.labels[0]);
  input.title = "Double-click for 0";
  if (!input.owner.moved && !isStale(data.revision)) show(input, data.point[0]);
  if (!data.disabled) expectFrames(data.target, data.basis);
}

function show(input, value) {
  input.value = value;
  paint(input);
}

function paint(input) {
  const value = Number(input.value);
  const at = (100 * (value - input.min)) / (input.max - input.min);
  const zero = (100 * (0 - input.min)) / (input.max - input.min);
  input.style.setProperty("--from", `${Math.min(at, zero)}%`);
  input.style.setProperty("--to", `${Math.max(at, zero)}%`);
  const text = value.toFixed(2).replace("-", "\u2212");
  input.nextElementSibling.value = text;
  input.setAttribute("aria-valuetext", text);
}

function listen(input) {
  let held = false;
  const ask = () => release([Number(input.value)], input.owner.setStateValue);
  const settle = (milliseconds) => settleLater(input.owner, milliseconds, ask);
  const move = () => {
    input.owner.moved = true;
    paint(input);
    drag(input.owner.data.target, [Number(input.value)]);
  };
  const letGo = () => {
    held = false;
    settle(0);
  };
  input.addEventListener("pointerdown", () => {
    settleNow(input.owner, ask);
    held = true;
  });
  for (const name of ["pointerup", "pointercancel", "blur"]) input.addEventListener(name, letGo);
  for (const name of ["pointerenter", "focus"]) input.addEventListener(name, () => input.disabled || arm(input.owner.data.target));
  input.addEventListener("input", () => {
    move();
    if (!held) settle(KEY_REST_MS);
  });
  input.addEventListener("change", () => held || settle(KEY_REST_MS));
  input.addEventListener("dblclick", () => {
    show(input, 0);
    move();
    settle(0);
  });
}
