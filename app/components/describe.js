// On a phone the prompt is in a sidebar that is shut: this opens it and puts the cursor there.
export default function (component) {
  component.parentElement.querySelector(".describe").onclick = () => inSidebar(".st-key-prompt input", (prompt) => prompt.focus());
}
