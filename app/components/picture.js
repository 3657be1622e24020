// The picture with its original: hold to compare, split, side by side. Everything happens in the browser; the server only
// sends the pictures. Called again with new data after each change; the choices made here stay.
const MAX_FILE = 64 * 2 ** 20; // bytes; of a longer file only the name and the size are sent, and the server says why

export default function (component) {
  const { data, parentElement } = component;
  const stage = parentElement.querySelector(".stage");
  const frame = stage.querySelector(".frame");
  if (!stage.dataset.ready) {
    stage.dataset.ready = "yes";
    listen(stage, frame);
    stage.onLive = (event) => event.detail.bitmap && drawFrame(stage, event.detail.bitmap);
    window.addEventListener("eclipsed-live", stage.onLive);
  }
  parentElement.getRootNode().host?.closest(".st-key-stage-picture")?.setAttribute("data-drawn", ""); // its place was held until now
  stage.sendDropped = (file) => component.setTriggerValue("dropped", file);
  if (isStale(data.revision)) live.stats.stale += 1;
  else show(stage, data);
  window.addEventListener("keydown", leaveTyping, true);
  return () => {
    window.removeEventListener("keydown", leaveTyping, true);
    window.removeEventListener("eclipsed-live", stage.onLive);
  };
}

// Ctrl+Z in a text field takes back what was typed there, not the last edit.
function leaveTyping(event) {
  const typing = event.target.matches?.("textarea, input:not([type=range], [type=checkbox], [type=radio])");
  if (typing && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") event.stopImmediatePropagation();
}

function show(stage, data) {
  stage.classList.toggle("plain", !data.comparable);
  setSource(stage.querySelectorAll(".after"), data.after, data.alt);
  setSource(stage.querySelectorAll(".before"), data.before, data.alt_before);
  setSource(stage.querySelectorAll(".overlay"), data.overlay, "");
  stage.caption = data.caption;
  nameFrame(stage.querySelector(".frame"), data);
  choose(stage, data.comparable ? stage.dataset.view : "edited");
  uncover(stage, data.revision);
}

// A frame rendered ahead lies over the picture while something is dragged, and until the exact one is there.
function drawFrame(stage, bitmap) {
  if (stage.dataset.view === "original") choose(stage, "edited");
  for (const canvas of stage.querySelectorAll("canvas")) {
    if (canvas.width !== bitmap.width) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  }
  if (stage.drawn !== bitmap) live.stats.drawn += 1;
  stage.drawn = bitmap;
  stage.classList.add("dragged");
}

async function uncover(stage, revision) {
  await stage.querySelector(".after").decode().catch(() => {}); // replaced meanwhile by a later one, which ends up here too
  if (live.dragging || isStale(revision)) return;
  stage.classList.remove("dragged");
  stage.drawn = null;
  if (live.releasedAt && stage.timed !== revision && revision === live.revision) {
    stage.timed = revision;
    live.stats.exact = [...live.stats.exact.slice(-99), performance.now() - live.releasedAt];
  }
}

// Readers of the screen hear what the picture shows, and how to compare where there is something to compare.
function nameFrame(frame, data) {
  frame.setAttribute("role", data.comparable ? "button" : "img");
  frame.setAttribute("aria-label", data.comparable ? `${data.alt}. Hold the space bar to see the original` : data.alt);
  frame.tabIndex = data.comparable ? 0 : -1;
}

function setSource(images, source, alt) {
  for (const image of images) {
    if (!source) image.removeAttribute("src");
    else if (image.getAttribute("src") !== source) image.setAttribute("src", source);
    image.alt = alt || "";
  }
}

function choose(stage, view) {
  stage.dataset.view = view;
  const holds = view === "edited" && !stage.classList.contains("plain");
  stage.querySelector("figcaption").textContent = stage.caption || (holds ? "Hold the picture to see the original" : "");
  for (const button of stage.querySelectorAll(".views button")) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === view));
    button.disabled = stage.classList.contains("plain");
  }
}

function listen(stage, frame) {
  const divider = stage.querySelector(".divider");
  const hold = (on) => stage.classList.toggle("held", on && stage.dataset.view === "edited" && !stage.classList.contains("plain"));
  const moveTo = (percent) => {
    const at = Math.min(Math.max(percent, 0), 100);
    divider.value = at;
    stage.style.setProperty("--at", `${at}%`);
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    moveTo((100 * (event.clientX - box.left)) / box.width);
  };

  for (const button of stage.querySelectorAll(".views button")) {
    button.addEventListener("click", () => choose(stage, button.dataset.choice));
  }
  divider.addEventListener("input", () => moveTo(Number(divider.value)));
  frame.addEventListener("pointerdown", (event) => {
    hold(true);
    if (stage.dataset.view === "split") {
      frame.setPointerCapture(event.pointerId);
      follow(event);
    }
  });
  frame.addEventListener("pointermove", (event) => {
    if (stage.dataset.view === "split" && event.buttons) follow(event);
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) frame.addEventListener(name, () => hold(false));
  frame.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
  frame.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      hold(true);
    }
  });
  acceptFiles(stage);
  frame.addEventListener("keyup", (event) => event.key === " " && hold(false));
}

// A saved picture or recipe can be dropped on the picture: the server opens it.
function acceptFiles(stage) {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    stage.addEventListener(name, (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      stage.classList.add("receiving");
    });
  }
  stage.addEventListener("dragleave", (event) => stage.contains(event.relatedTarget) || stage.classList.remove("receiving"));
  stage.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    stage.classList.remove("receiving");
    const reader = new FileReader();
    const content = () => (file.size > MAX_FILE ? "" : reader.result.slice(reader.result.indexOf(",") + 1));
    reader.addEventListener("load", () => stage.sendDropped({ name: file.name, size: file.size, data: content() }));
    reader.readAsDataURL(file.size > MAX_FILE ? new Blob([]) : file);
  });
}
