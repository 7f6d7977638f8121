/* The studio works without this file; with it, things are quicker. No inline handlers: strict CSP. */
"use strict";

/* "/" goes to the search box, as people expect of a work tool, unless they are typing. */
document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const box = document.getElementById("studio-search");
        if (box) { event.preventDefault(); box.focus(); }
    }
    if (event.key === "Escape") {
        document.querySelectorAll("details.cr-menu[open]").forEach((menu) => {
            menu.open = false;
            menu.querySelector("summary").focus();
        });
    }
});

/* One menu open at a time; a click elsewhere closes it. */
document.addEventListener("click", (event) => {
    document.querySelectorAll("details.cr-menu[open]").forEach((menu) => {
        if (!menu.contains(event.target)) { menu.open = false; }
    });
});

/* Toasts leave after eight seconds, but not while somebody reads them. */
document.querySelectorAll(".cr-toast").forEach((toast) => {
    const leave = () => window.setTimeout(() => {
        if (toast.matches(":hover, :focus-within")) { leave(); } else { toast.remove(); }
    }, 8000);
    leave();
});
