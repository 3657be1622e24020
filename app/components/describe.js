// On a phone the prompt is in a sidebar that is shut: this opens it and puts the cursor there.
const PATIENCE = 2000; // milliseconds until the sidebar has come in, or will not

export default function (component) {
  component.parentElement.querySelector(".describe").onclick = () => {
    document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
    focusPrompt(performance.now() + PATIENCE);
  };
}

function focusPrompt(end) {
  const prompt = document.querySelector(".stSidebar .st-key-prompt input");
  if (prompt && prompt.getBoundingClientRect().left >= 0) prompt.focus();
  else if (performance.now() < end) requestAnimationFrame(() => focusPrompt(end));
}
