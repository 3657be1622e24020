// A row of faces; pressing one tells the server its seed.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const row = parentElement.querySelector(".faces");
  row.style.setProperty("--columns", data.faces.length);
  row.replaceChildren(...data.faces.map((face) => button(face, data.chosen, setTriggerValue)));
}

function button(face, chosen, setTriggerValue) {
  const element = document.createElement("button");
  const image = document.createElement("img");
  element.type = "button";
  element.title = `Seed ${face.seed}`;
  element.setAttribute("aria-label", `Face of seed ${face.seed}`);
  element.setAttribute("aria-pressed", String(face.seed === chosen));
  element.addEventListener("click", () => setTriggerValue("picked", face.seed));
  image.src = face.image;
  image.alt = "";
  element.append(image);
  return element;
}
