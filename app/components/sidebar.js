// The sidebar is shut on a phone: this opens it, and does something with what is looked for in it once it has come in.
const PATIENCE = 2000; // milliseconds until it has, or will not

function inSidebar(selector, act, end = 0) {
  if (!end) document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
  const found = document.querySelector(`.stSidebar ${selector}`);
  const last = end || performance.now() + PATIENCE;
  if (found && found.getBoundingClientRect().left >= 0) act(found);
  else if (performance.now() < last) requestAnimationFrame(() => inSidebar(selector, act, last));
}
