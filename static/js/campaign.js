/* The campaign's pages work without this file; with it, things are quicker. */
"use strict";

/* Alt and an arrow move the step that holds the focus: the same as the buttons of its menu. */
document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) { return; }
    const card = event.target.closest("[data-step]");
    const button = card && card.querySelector(`[data-move="${event.key === "ArrowUp" ? "up" : "down"}"]`);
    if (button && !button.disabled) { event.preventDefault(); button.form.requestSubmit(button); }
});

/* The step that was moved keeps the focus, so that it can be moved on. Later than the browser's own jump to the step,
   which takes the focus away. */
const moved = location.hash.startsWith("#step-") && document.getElementById(location.hash.slice(1));
const handle = moved && moved.querySelector("summary");
if (handle) { window.addEventListener("load", () => window.setTimeout(() => handle.focus({ preventScroll: true }), 50)); }

/* Ctrl or Cmd and Z outside of fields: the version before. */
document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) { return; }
    if (event.target.closest("input, textarea, select")) { return; }
    const button = document.getElementById(event.shiftKey ? "redo" : "undo");
    if (button && !button.disabled) { event.preventDefault(); button.form.requestSubmit(button); }
});

/* The preview follows the typing, half a second behind. */
const wording = document.getElementById("wording");
const show = document.getElementById("show");
if (wording && show) {
    let later;
    let isTyped = false;
    /* Whether all have a value was tried with what was saved. */
    const untry = () => { document.getElementById("preview-tried")?.setAttribute("hidden", ""); };
    wording.addEventListener("input", () => {
        isTyped = true;
        untry();
        window.clearTimeout(later);
        later = window.setTimeout(() => wording.requestSubmit(show), 500);
    });
    /* The subject stands above the frame: it is fetched beside the message. The newest answer counts. */
    let asked = 0;
    wording.addEventListener("submit", async (event) => {
        if (event.submitter !== show || !document.getElementById("preview-subject")) { return; }
        const turn = ++asked;
        const answer = await fetch(`${show.formAction}&part=subject`, { method: "POST", body: new FormData(wording) });
        const line = document.getElementById("preview-subject");
        if (answer.ok && turn === asked && line) { line.innerHTML = await answer.text(); }
    });
    /* As another person: still what is typed, not what was saved. */
    document.addEventListener("htmx:afterSettle", (event) => {
        if (isTyped && event.target.id === "panel") { untry(); wording.requestSubmit(show); }
    });
}

/* Other languages and wordings are looked at as the same person, on the same screen. */
document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[data-keep]");
    if (!link) { return; }
    const target = new URL(link.href);
    for (const name of ["contact", "screen"]) {
        const value = new URLSearchParams(location.search).get(name);
        if (value) { target.searchParams.set(name, value); }
    }
    link.href = target;
});

/* Words from data go where the cursor was last. */
let field = null;
if (wording) {
    wording.addEventListener("focusin", (event) => {
        if (event.target.matches("input[type=text], textarea")) { field = event.target; }
    });
    wording.querySelectorAll("[data-insert]").forEach((button) => {
        button.hidden = false;
        button.addEventListener("click", () => {
            const into = field || wording.querySelector("textarea, input[type=text]");
            into.setRangeText(button.dataset.insert, into.selectionStart, into.selectionEnd, "end");
            into.focus();
            into.dispatchEvent(new Event("input", { bubbles: true }));
        });
    });
}

/* A launch takes a moment: its button is pressed once. */
document.querySelectorAll("form[data-once]").forEach((form) => {
    form.addEventListener("submit", () => {
        form.querySelectorAll("button[type=submit]").forEach((button) => {
            window.setTimeout(() => { button.disabled = true; }, 0);
        });
    });
});

/* Print pages from a button. */
document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
});
