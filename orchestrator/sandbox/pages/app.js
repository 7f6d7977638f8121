/* How a host application uses crescendo.js: who is logged in, and what was tried. Everything else is its own business. */
"use strict";

if (window.crescendo) {
  crescendo.init({
    base: document.body.dataset.product,
    getToken: async () => (await fetch("/app/token", { cache: "no-store" })).text(),
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-feature]");
  if (!button) return;
  const note = document.getElementById(`note-${button.dataset.feature}`);
  note.textContent = "";
  const wasShown = window.crescendo ? await crescendo.gate(button.dataset.feature) : false;
  if (!wasShown) note.textContent = `${button.dataset.name} is not part of your plan.`;
});
