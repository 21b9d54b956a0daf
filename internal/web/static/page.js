// What makes the pages lively. Without it everything works; one reloads by hand.
"use strict";

// The zone of this machine, in which the server writes instants.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const body = document.body;

function remember(name, value) {
  document.cookie = name + "=" + encodeURIComponent(value) + ";path=/;max-age=31536000;samesite=strict";
}

let tag = "", busy = false, again = false;

// Asks for this page again, and puts what has changed in its place. Nothing is replaced
// under somebody who types: the line below says that there is news.
async function look() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      tag = answer.headers.get("ETag") || "";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      show(page.getElementById("main"));
    }
    news(answer.status < 400 ? "" : "stale");
  } catch { news("stale"); }
  busy = false;
  if (again) { again = false; look(); }
}

function show(fresh) {
  const main = document.getElementById("main"), at = document.activeElement;
  if (!fresh) return;
  if (main.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) {
    if (main.textContent !== fresh.textContent) news("news");
    return;
  }
  become(main, fresh);
}

// Makes one element another one, and touches only what differs: what has the focus, what
// is opened and what is under the pointer stay. Two things with names of their own never
// become each other: nobody clicks on one campaign and hits another.
function become(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) { old.replaceWith(fresh); return; }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  const was = [...old.childNodes], is = [...fresh.childNodes];
  is.forEach((node, i) => { if (was[i]) become(was[i], node); else old.append(node); });
  was.slice(is.length).forEach((node) => node.remove());
}

function news(what) {
  const line = document.querySelector(".news");
  line.textContent = what ? line.dataset[what] : "";
}

// The first look is in UTC. A browser that keeps no cookies stays with it.
if (zone && zone !== body.dataset.zone && !document.cookie.includes("zone=" + encodeURIComponent(zone))) {
  remember("zone", zone);
  if (document.cookie.includes("zone=") && !document.querySelector("main form[method=post]")) location.replace(location.href);
}

// The text as a phone shows it, while somebody types.
const preview = document.getElementById("preview");
let typing;
preview?.closest("form").addEventListener("input", (event) => {
  if (!/^(text|sender)$/.test(event.target.name)) return;
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const form = preview.closest("form");
    const answer = await fetch("/ask/text?" + new URLSearchParams({ text: form.text.value, sender: form.sender.value }));
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    preview.replaceChildren(page.querySelector(".phone"));
  }, 150);
});

document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

const of = body.dataset.live;
if (of) {
  const heard = new EventSource("/live?of=" + encodeURIComponent(of));
  heard.onmessage = look;
  heard.onopen = look; // what was missed meanwhile
  // What is saved without an event, and where no event is heard.
  setInterval(() => { if (!document.hidden) look(); }, 10000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}
