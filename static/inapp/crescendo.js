/*! crescendo.js - in-app messages for a host application. Plain script, no cookies, no build step; docs/in-app.md.

  crescendo.init({token: "…"})                   the signed word of who is logged in (or getToken: async () => "…")
  crescendo.page("/reports")                     where the person is; history navigation is followed by itself
  await crescendo.gate("sso")                    they tried a gated feature: true if a fitting offer was shown

  Everything is drawn in a shadow root with constructed style sheets: the host's CSS does not reach in, and a policy
  without 'unsafe-inline' allows it. The HTML of messages was sanitised by the server (elements and attributes from an
  allow-list, addresses by scheme, twice: before and after the values are in); here it is parsed inertly and only what
  is on the list below is built anew, so that the page never runs nor styles anything that came with a message. */
(() => {
  "use strict";
  if (window.crescendo) return;

  const LOOK_MS = 1000; // so long at least half of a message must be in view to count as seen
  const STALE_MS = 30_000;
  const GATE_LOOKS_MS = [0, 1500, 2500]; // at once, after 1.5 s, after 4 s in all
  const PAGE_LOOKS_MS = [0, 300, 1200]; // what a tooltip points at may be drawn late
  const RETRY_MS = [2000, 8000, 30_000, 120_000];
  const TAGS = new Set("A B BDI BLOCKQUOTE BR CODE DIV EM H2 H3 H4 HR I IMG LI OL P S SMALL SPAN STRONG SUB SUP U UL".split(" "));
  const ATTRIBUTES = ["dir", "lang", "title", "alt", "width", "height"];
  const WORDS = {
    en: { close: "Close", later: "Not now", message: "Message" },
    he: { close: "סגירה", later: "לא עכשיו", message: "הודעה" },
    ro: { close: "Închide", later: "Nu acum", message: "Mesaj" },
  };
  const CSS = `
    :host { all: initial; display: block !important; visibility: visible !important; opacity: 1 !important;
      color-scheme: light; --paper: light-dark(#fff, #161c26); --ink: light-dark(#17202e, #e8ecf2);
      --soft: light-dark(#4a5668, #b3bdca); --line: light-dark(#dfe3e9, #2a3442); --accent: light-dark(#2b51c4, #94aeff);
      --on: light-dark(#fff, #0c142c); }
    :host([data-theme=dark]) { color-scheme: dark; } :host([data-theme=auto]) { color-scheme: light dark; }
    :host([data-kind=banner]), :host([data-kind=tooltip]) { position: fixed !important; z-index: 2147483000 !important; }
    :host([data-kind=banner]) { inset-block-end: 16px; inset-inline-end: 16px; inline-size: min(26rem, calc(100vw - 32px)); }
    :host([data-kind=tooltip]) { inline-size: max-content; max-inline-size: min(20rem, calc(100vw - 16px)); }
    :host([data-away]) { display: none !important; }
    .box { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; box-sizing: border-box; position: relative; margin: 0; padding: 16px 18px; padding-inline-end: 48px; color: var(--ink);
      background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow-wrap: anywhere;
      box-shadow: 0 8px 28px rgb(23 32 46 / .18), 0 1px 3px rgb(23 32 46 / .12); text-align: start; }
    :host([data-kind=banner]) .box { border-inline-start: 4px solid var(--accent); max-block-size: 60vh; overflow: auto; }
    dialog.box { inline-size: min(30rem, calc(100vw - 32px)); max-inline-size: none; max-block-size: calc(100vh - 64px);
      margin: auto; padding: 28px; padding-inline-end: 56px; overflow: auto; }
    dialog::backdrop { background: rgb(14 19 26 / .5); }
    h2, h3, h4 { margin: 0 0 4px; font-size: 1.07em; line-height: 1.3; font-weight: 650; }
    dialog h2 { font-size: 1.35em; margin-block-end: 8px; }
    p, ul, ol, blockquote { margin: 0 0 8px; } ul, ol { padding-inline-start: 1.3em; } p:last-child { margin-block-end: 0; }
    img { max-inline-size: 100%; block-size: auto; } hr { border: 0; border-block-start: 1px solid var(--line); }
    a { color: var(--accent); } a.button { display: inline-block; margin-block-start: 6px; padding: 8px 16px; border-radius: 7px;
      background: var(--accent); color: var(--on); font-weight: 600; text-decoration: none; }
    a.button:hover { filter: brightness(1.08); }
    button { font: inherit; color: var(--soft); background: none; border: 0; border-radius: 7px; cursor: pointer; }
    button:hover { color: var(--ink); background: color-mix(in srgb, var(--soft) 14%, transparent); }
    .close { position: absolute; inset-block-start: 8px; inset-inline-end: 8px; inline-size: 32px; block-size: 32px; padding: 0;
      font-size: 22px; line-height: 1; }
    .later { margin-block-start: 12px; padding: 8px 12px; margin-inline-start: -12px; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    @media (prefers-reduced-motion: no-preference) {
      .box { animation: rise .22s ease-out; } @keyframes rise { from { opacity: 0; transform: translateY(8px); } } }
    @media print { :host { display: none !important; } }`;

  const here = document.currentScript?.src;
  const state = { api: here ? new URL(".", here).href : "/inapp/v1/", messages: [], shown: null, path: "", mayShow: true };
  let policy = null;
  let sheet = null;

  // What this tab remembers of this person: reports not yet taken, messages seen and done with.
  const memory = {
    key: "crescendo", queue: [], seen: [], gone: [],
    open(who) {
      this.key = `crescendo:${who}`;
      let kept = {};
      try { kept = JSON.parse(sessionStorage.getItem(this.key)) ?? {}; } catch { /* storage is shut: the server remembers */ }
      Object.assign(this, { queue: kept.queue ?? [], seen: kept.seen ?? [], gone: kept.gone ?? [] });
    },
    keep() {
      const { queue, seen, gone } = this;
      try { sessionStorage.setItem(this.key, JSON.stringify({ queue: queue.slice(-50), seen, gone })); } catch { /* as above */ }
    },
  };

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const newId = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`crescendo:${name}`, { detail }));
  const about = ({ id, kind, place }) => ({ id, kind, place: { ...place } });

  /* Talking to the server. */

  const subjectOf = (token) => {
    try { return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub; } catch { return ""; }
  };
  const renew = async () => {
    state.token = await state.getToken();
    const who = subjectOf(state.token ?? "");
    if (who !== state.who) {
      state.who = who;
      memory.open(who);
    }
  };
  const call = (path, options) => fetch(state.api + path, {
    ...options, credentials: "omit", referrerPolicy: "no-referrer", headers: { ...options.headers, Authorization: `Bearer ${state.token}` },
  });
  // Null where nobody answered. With a token in hand the request leaves before this returns: a click may end the page.
  const ask = async (path, options = {}) => {
    try {
      if (!state.token) await renew();
      if (!state.token) return null;
      let reply = await call(path, options);
      if (reply.status === 401 && state.canRenew) {
        await renew();
        reply = await call(path, options);
      }
      return reply;
    } catch {
      return null;
    }
  };

  let looking = null;
  const refresh = () => {
    looking ??= (async () => {
      const reply = await ask("feed");
      if (reply?.ok) {
        state.messages = (await reply.json()).messages;
        state.at = Date.now();
      }
    })().catch(() => {}).finally(() => { looking = null; });
    return looking;
  };

  const isFresh = () => Date.now() - state.at < STALE_MS;

  const underWay = new Set();
  let failures = 0;
  let retry = 0;
  const flush = async () => {
    const batch = memory.queue.filter((one) => !underWay.has(one.id));
    if (!batch.length) return;
    batch.forEach((one) => underWay.add(one.id));
    const body = JSON.stringify({ sent_at: new Date().toISOString(), events: batch });
    const reply = await ask("events", { method: "POST", keepalive: true, body, headers: { "Content-Type": "application/json" } });
    batch.forEach((one) => underWay.delete(one.id));
    if (reply && reply.status < 500 && ![401, 408, 429].includes(reply.status)) {
      memory.queue = memory.queue.filter((one) => !batch.includes(one));
      memory.keep();
      failures = 0;
    } else if (failures < RETRY_MS.length) {
      clearTimeout(retry);
      retry = setTimeout(flush, RETRY_MS[failures++]);
    }
  };
  const report = (...events) => {
    const at = new Date().toISOString();
    memory.queue.push(...events.map((one) => ({ id: newId(), at, ...one })));
    memory.keep();
    return flush();
  };

  /* Drawing. */

  const isSafe = (address) => /^(https?|mailto|tel):/i.test(address ?? "");
  const build = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE || !TAGS.has(node.tagName)) continue;
      const made = document.createElement(node.tagName);
      for (const name of ATTRIBUTES) if (node.hasAttribute(name)) made.setAttribute(name, node.getAttribute(name));
      if (node.tagName === "A" && isSafe(node.getAttribute("href"))) {
        made.href = node.getAttribute("href");
        made.rel = "noopener noreferrer";
        if (state.newTab) made.target = "_blank";
        if (node.parentNode.tagName === "P" && node.parentNode.childNodes.length === 1) made.className = "button";
      }
      if (node.tagName === "IMG" && /^https:/i.test(node.getAttribute("src") ?? "")) made.src = node.getAttribute("src");
      build(node, made);
      to.append(made);
    }
    return to;
  };
  // Under `require-trusted-types-for 'script'` the host's policy names us: `trusted-types crescendo`.
  const parse = (html) => {
    if (!policy && window.trustedTypes) {
      try { policy = trustedTypes.createPolicy("crescendo", { createHTML: (text) => text }); } catch { /* not let: try as it is */ }
    }
    const inert = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
    return build(inert.body, document.createDocumentFragment());
  };
  const button = (name, words, act, text) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.textContent = text ?? words;
    if (text) made.setAttribute("aria-label", words);
    made.addEventListener("click", act);
    return made;
  };
  const themeOf = () => {
    if (state.theme) return state.theme;
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    return scheme.includes("dark") ? (scheme.includes("light") ? "auto" : "dark") : "light";
  };

  const anchorOf = ({ anchor }) => {
    try {
      const found = document.querySelector(anchor);
      return found?.getClientRects().length ? found : null;
    } catch {
      return null;
    }
  };
  // Below what it points at, above where there is no room; gone while that is not there.
  const follow = (host, place) => {
    let due = 0;
    const put = () => {
      due = 0;
      const target = anchorOf(place)?.getBoundingClientRect();
      const isAway = !target || target.bottom < 0 || target.top > innerHeight;
      host.toggleAttribute("data-away", isAway);
      if (isAway) return;
      const { offsetWidth: width, offsetHeight: height } = host;
      const start = getComputedStyle(host).direction === "rtl" ? target.right - width : target.left;
      const top = target.bottom + 8 + height > innerHeight && target.top - 8 - height > 0 ? target.top - 8 - height : target.bottom + 8;
      host.style.left = `${Math.max(8, Math.min(start, innerWidth - width - 8))}px`;
      host.style.top = `${Math.max(8, top)}px`;
    };
    const soon = () => { due ||= requestAnimationFrame(put); };
    const beat = setInterval(soon, 500);
    for (const name of ["scroll", "resize"]) addEventListener(name, soon, { capture: true, passive: true });
    put();
    return () => {
      clearInterval(beat);
      for (const name of ["scroll", "resize"]) removeEventListener(name, soon, { capture: true });
    };
  };
  const watch = (box, seen) => {
    let timer = 0;
    let isInView = false;
    const check = () => {
      clearTimeout(timer);
      if (isInView && !document.hidden) timer = setTimeout(seen, LOOK_MS);
    };
    const observer = new IntersectionObserver((entries) => {
      isInView = entries.at(-1).isIntersecting;
      check();
    }, { threshold: 0.5 });
    observer.observe(box);
    document.addEventListener("visibilitychange", check);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", check);
    };
  };
  const keepFocus = (box, root) => (event) => {
    if (event.key !== "Tab") return;
    const stops = [...box.querySelectorAll("a[href], button")];
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (root.activeElement !== edge && root.activeElement !== box) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  };

  const show = (message) => {
    if (state.shown?.message.id === message.id) return true;
    let content;
    try { content = parse(message.html); } catch (error) {
      console.warn("crescendo: a message could not be drawn.", error);
      return false;
    }
    hide();
    const frame = content.firstElementChild;
    const words = WORDS[(frame?.lang ?? "").slice(0, 2)] ?? WORDS.en;
    const isModal = message.kind === "modal";
    const host = document.createElement("crescendo-message");
    host.dataset.kind = message.kind;
    host.dataset.theme = themeOf();
    if (frame?.dir) host.dir = frame.dir;
    if (frame?.lang) host.lang = frame.lang;
    const root = host.attachShadow({ mode: "open" });
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
    }
    root.adoptedStyleSheets = [sheet];
    const box = document.createElement(isModal ? "dialog" : "section");
    box.className = "box";
    if (!isModal) box.setAttribute("role", "region");
    if (!isModal) box.setAttribute("aria-live", "polite");
    root.append(box);
    document.body.append(host);
    box.setAttribute("aria-label", content.querySelector("h2, h3, h4")?.textContent || words.message);
    box.append(content, ...(isModal ? [button("later", words.later, () => dismiss())] : []), button("close", words.close, () => dismiss(), "×"));
    const shown = { message, host, box, before: document.activeElement, ends: [] };
    state.shown = shown;
    shown.ends.push(watch(box, () => see(message)));
    if (message.kind === "tooltip") shown.ends.push(follow(host, message.place));
    for (const name of ["click", "auxclick"]) box.addEventListener(name, (event) => pressed(event, shown));
    if (isModal) {
      box.addEventListener("cancel", (event) => { event.preventDefault(); dismiss(); });
      box.addEventListener("keydown", keepFocus(box, root));
      box.showModal();
    }
    tell("shown", about(message));
    return true;
  };
  const hide = () => {
    const { shown } = state;
    if (!shown) return;
    state.shown = null;
    shown.ends.forEach((end) => end());
    if (shown.message.kind === "modal") shown.box.close();
    const hadFocus = shown.message.kind === "modal" || shown.host === document.activeElement;
    shown.host.remove();
    if (hadFocus && shown.before?.isConnected) shown.before.focus?.();
  };

  /* What people do with it. */

  const isNew = (message) => !memory.seen.includes(message.id);
  const sighting = (message) => {
    memory.seen.push(message.id);
    return { type: "impression", message: message.id };
  };
  const see = (message) => { if (isNew(message)) report(sighting(message)); };
  // Whoever closes or follows it has seen it, however short that was.
  const done = (message, type) => {
    memory.gone.push(message.id);
    state.mayShow = false; // the next one waits for the next page
    report(...(isNew(message) ? [sighting(message)] : []), { type, message: message.id });
  };
  const dismiss = () => {
    const { message } = state.shown;
    hide();
    done(message, "dismiss");
    tell("dismissed", about(message));
  };
  const pressed = (event, { message, box }) => {
    if (event.target === box && message.kind === "modal") {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      if (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom) dismiss();
      return;
    }
    const link = event.target.closest?.("a[href]");
    if (!link || event.button > 1) return;
    done(message, "click");
    tell("clicked", { ...about(message), href: link.href });
    setTimeout(hide); // after the browser has followed the link
  };

  /* Which one, and when. */

  const trim = (path) => path.replace(/\/+$/, "") || "/";
  const isAt = (pattern, path) => {
    if (!pattern.endsWith("*")) return trim(pattern) === trim(path);
    return path.startsWith(pattern.slice(0, -1)) || trim(path) === trim(pattern.slice(0, -1));
  };
  const fits = (message, feature) => {
    const place = message.place ?? {};
    const isMoment = feature ? [feature, "*"].includes(place.feature) : !place.feature;
    return isMoment && !memory.gone.includes(message.id) && Date.parse(message.expires_at) > Date.now()
      && (!place.page || isAt(place.page, state.path)) && (message.kind !== "tooltip" || Boolean(anchorOf(place)));
  };
  const pick = (feature) => state.messages.find((one) => fits(one, feature)); // the feed begins with the oldest

  let visit = 0;
  const look = async () => {
    const mine = ++visit;
    for (const pause of PAGE_LOOKS_MS) {
      if (pause) await wait(pause);
      if (mine !== visit || state.shown || !state.mayShow || document.querySelector("dialog:modal")) return;
      const message = pick("");
      if (message) {
        show(message);
        return;
      }
    }
  };
  const page = async (path) => {
    if (!state.getToken) return;
    state.path = path ?? location.pathname;
    state.mayShow = true;
    const { shown } = state;
    if (shown && !shown.isMoment && !fits(shown.message, "")) hide();
    if (shown?.isMoment && shown.path !== state.path) hide();
    if (!isFresh()) await refresh();
    look();
  };

  const tries = new Map();
  const attempt = async (feature) => {
    if (!state.token) await refresh(); // who it is must be known before anything is noted down
    const told = report({ type: "gate", feature });
    let isShown = false;
    for (const [place, pause] of GATE_LOOKS_MS.entries()) {
      if (pause) await wait(pause);
      let message = pick(feature);
      if (!message && (place || !isFresh())) {
        await (place ? told : null);
        await refresh();
        message = pick(feature);
      }
      isShown = Boolean(message) && show(message);
      if (isShown) {
        Object.assign(state.shown, { isMoment: true, path: state.path });
        break;
      }
    }
    tell("gate", { feature, shown: isShown });
    return isShown;
  };
  const gate = (feature) => {
    if (!state.getToken) return Promise.resolve(false);
    if (!tries.has(feature)) tries.set(feature, attempt(feature).finally(() => tries.delete(feature)));
    return tries.get(feature);
  };

  let lastPath = location.pathname;
  const moved = () => {
    if (location.pathname === lastPath) return;
    lastPath = location.pathname;
    page();
  };
  const followHistory = () => {
    if (window.navigation) {
      navigation.addEventListener("currententrychange", moved);
      return;
    }
    addEventListener("popstate", moved);
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = function (...given) {
        original.apply(this, given);
        moved();
      };
    }
  };
  const escaped = (event) => {
    const { shown } = state;
    if (event.key !== "Escape" || event.defaultPrevented || !shown || shown.message.kind === "modal") return;
    if (!document.querySelector("dialog[open]")) dismiss();
  };

  let isListening = false;
  const init = async (options) => {
    const { base, token, getToken, theme, newTab, path } = options;
    hide();
    if (base) state.api = `${base.replace(/\/+$/, "")}/inapp/v1/`;
    Object.assign(state, {
      theme, newTab, canRenew: Boolean(getToken), getToken: getToken ?? (() => token), token: null, who: null, messages: [], at: 0,
    });
    if (!isListening) {
      isListening = true;
      followHistory();
      addEventListener("keydown", escaped);
      document.addEventListener("visibilitychange", () => { if (document.hidden) flush(); });
    }
    await page(path);
    flush();
  };
  const stop = () => {
    hide();
    Object.assign(state, { getToken: null, token: null, who: null, messages: [] });
  };

  window.crescendo = Object.freeze({ init, page, gate, stop });
})();
