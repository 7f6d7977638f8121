/* The studio works without this file; with it, things are quicker. No inline handlers: strict CSP. */
"use strict";

const typesIn = (element) => element instanceof Element && element.closest("input, textarea, select, [contenteditable]");

/* "/" goes to the search box of the list, else to the one on top, as people expect of a work tool, unless they are typing. */
document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !typesIn(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const box = document.querySelector("[data-find]") || document.getElementById("studio-search");
        if (box) { event.preventDefault(); box.focus(); }
    }
    if (event.key === "Escape") {
        document.querySelectorAll("details.cr-menu[open]").forEach((menu) => {
            menu.open = false;
            menu.querySelector("summary").focus();
        });
    }
});

/* Alt + arrow moves the line one is in, into a group and out of it; the menu of the line has the same buttons. In a
   line the browser's own meaning of Alt + left (a page back) would lose what was typed. */
document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !event.key.startsWith("Arrow")) { return; }
    const line = event.target instanceof Element && event.target.closest(".cr-rule, .cr-step-card");
    if (!line) { return; }
    const button = line.querySelector(`:scope > :not(ol):not(fieldset) [data-key="${event.key}"], :scope > fieldset > .cr-group-head [data-key="${event.key}"]`);
    if (button || line.matches(".cr-rule")) { event.preventDefault(); }
    if (button) { button.click(); }
});

/* One menu open at a time; a click elsewhere closes it. */
document.addEventListener("click", (event) => {
    document.querySelectorAll("details.cr-menu[open]").forEach((menu) => {
        if (!menu.contains(event.target)) { menu.open = false; }
    });
});

/* A menu that opens below the edge of the window is brought into sight. */
document.addEventListener("toggle", (event) => {
    const list = event.target instanceof Element && event.target.matches("details.cr-menu[open]") && event.target.querySelector(".cr-menu-list");
    if (list) { list.scrollIntoView({ block: "nearest" }); }
}, true);

/* Toasts leave after eight seconds, but not while somebody reads them. */
const leaveInTime = (toast) => {
    if (toast.dataset.leaves) { return; }
    toast.dataset.leaves = "yes";
    const leave = () => window.setTimeout(() => {
        if (toast.matches(":hover, :focus-within")) { leave(); } else { toast.remove(); }
    }, 8000);
    leave();
};
const tidyToasts = () => document.querySelectorAll(".cr-toast").forEach(leaveInTime);
tidyToasts();
document.addEventListener("htmx:afterSettle", tidyToasts);

/* Work that is not saved is not lost by a wrong click. */
const unsaved = new Set();
document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) { unsaved.add(form); }
});
document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button[name=do]");
    const form = button && button.form;
    if (form && form.matches("[data-guard]") && /^(add|up|down|into|out|wrap|bind|copy|remove|drop|back)/.test(button.value)) { unsaved.add(form); }
});
const goesElsewhere = (event) => Boolean(event.submitter && event.submitter.formTarget);
document.addEventListener("submit", (event) => {
    if (!goesElsewhere(event)) { unsaved.delete(event.target); }
});
window.addEventListener("beforeunload", (event) => {
    if ([...unsaved].some((form) => form.isConnected)) { event.preventDefault(); }
});

/* A form is sent once: the second click of a double click would do the same thing twice. */
let sent = new WeakMap();
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || goesElsewhere(event)) { return; }
    if (Date.now() - (sent.get(form) || 0) < 5000) { event.preventDefault(); return; }
    sent.set(form, Date.now());
});
window.addEventListener("pageshow", () => { sent = new WeakMap(); });

/* A count that arrives after its form has changed again is dropped: the next one is already asked for. (Aborting the
   request instead would log an error each time.) */
const changes = new WeakMap();
const asked = new WeakMap();
document.addEventListener("input", (event) => {
    const form = event.target.closest("form");
    if (form) { changes.set(form, (changes.get(form) || 0) + 1); }
});
const watched = (element) => element.dataset && element.dataset.newestOf && document.querySelector(element.dataset.newestOf);
document.addEventListener("htmx:beforeRequest", (event) => {
    const form = watched(event.detail.elt);
    if (form) { asked.set(event.detail.xhr, changes.get(form) || 0); return; }
    const own = event.detail.elt.closest("form");
    if (own) { changes.set(own, (changes.get(own) || 0) + 1); }
});
document.addEventListener("htmx:beforeSwap", (event) => {
    const form = watched(event.detail.elt);
    if (form && asked.get(event.detail.xhr) !== (changes.get(form) || 0)) { event.detail.shouldSwap = false; }
});

/* Copy buttons appear only where copying works. */
document.querySelectorAll("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) { return; }
    button.hidden = false;
    button.addEventListener("click", () => {
        navigator.clipboard.writeText(document.querySelector(button.dataset.copy).value);
    });
});

/* A request that did not get through: the page says so and keeps what it shows. */
const sayFailed = () => {
    const words = document.getElementById("failed-words");
    const place = document.getElementById("toasts");
    if (!words || !place || place.querySelector("[data-failed]")) { return; }
    const toast = words.content.firstElementChild.cloneNode(true);
    place.append(toast);
    leaveInTime(toast);
};
document.addEventListener("htmx:responseError", sayFailed);
document.addEventListener("htmx:sendError", sayFailed);
document.addEventListener("htmx:timeout", sayFailed);
