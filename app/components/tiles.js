// Small pictures to press, each a button; pressing one tells the server which.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const row = parentElement.querySelector(".tiles");
  row.setAttribute("aria-label", data.label);
  row.classList.toggle("many", data.many);
  if (window.matchMedia("(min-width: 641px)").matches || data.columns < 4) row.style.setProperty("--columns", data.columns);
  const focused = parentElement.activeElement?.dataset.id;
  row.replaceChildren(...data.tiles.map((tile) => button(tile, setTriggerValue)));
  if (focused !== undefined) row.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function button(tile, setTriggerValue) {
  const element = document.createElement("button");
  const image = document.createElement("img");
  element.type = "button";
  element.dataset.id = tile.id;
  element.title = tile.name;
  element.setAttribute("aria-label", tile.name);
  element.setAttribute("aria-pressed", String(tile.pressed));
  element.addEventListener("click", () => setTriggerValue("picked", tile.id));
  image.src = tile.image;
  image.alt = "";
  element.append(image, tile.caption);
  return element;
}
