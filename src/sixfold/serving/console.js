// The status half of the console: it asks /v1/status every second while it can be seen, and draws the answer.

const byId = (id) => document.getElementById(id);
const EVERY_MS = 1000, PATIENCE_MS = 4000, SLOTS = 60, SLOT_S = 5;

/** An element with properties, attributes (data-, aria-, class) and children; text is text and never markup. */
function el(name, at = {}, ...children) {
  const made = drawn.has(name) ? document.createElementNS(byId("drawing").namespaceURI, name) : document.createElement(name);
  for (const [key, value] of Object.entries(at)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const drawn = new Set(["svg", "rect", "line"]);

/** Text is set only where it differs, so that selections stay and nothing is read out twice. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const ms = (x) => (x === null ? "–" : x < 10 ? x.toFixed(x < 1 ? 2 : 1) : grouped(Math.round(x)));
const times = (n) => (n === 1 ? "once" : `${grouped(n)} times`);
const rate = (x) => (x === 0 || x >= 10 ? grouped(Math.round(x)) : x.toFixed(x < 0.1 ? 2 : 1));
function ago(s) {
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}

// Asking

let token = null;

/** What the service answers, as [status, message]; [0, null] where there is no answer. */
async function ask(path, body) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) };
  const method = body ? "POST" : "GET";
  try {
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return [answer.status, await answer.json()];
  } catch {
    return [0, null];
  }
}

let timer = null, answered = null, asking = false;

async function poll() {
  if (asking || document.hidden || (token === null && document.body.dataset.guarded === "yes")) return;
  asking = true;
  const [code, status] = await ask("/v1/status");
  asking = false;
  if (code === 200) {
    answered = Date.now();
    document.body.classList.remove("away");
    draw(status);
  } else if (code === 401) {
    askToken(token === null ? "" : "That is not the token of this service. ");
    return;
  } else {
    away(code);
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(poll, EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  poll();
});

function askToken(why) {
  token = null;
  document.body.dataset.guarded = "yes";
  byId("token-form").hidden = false;
  verdict("quiet", `${why}This service asks for a token.`, "A token is needed");
  byId("token").focus();
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  byId("token").value = "";
  byId("token-form").hidden = true;
  verdict("quiet", "Asking the service how it is\u2009…", "");
  poll();
});

// A link cannot bear a token: what it leads to is fetched, and shown from memory.
for (const link of document.querySelectorAll("[data-open]")) {
  link.addEventListener("click", async (event) => {
    if (token === null) return;
    event.preventDefault();
    const answer = await fetch(link.href, { headers: { authorization: `Bearer ${token}` } });
    const kind = (answer.headers.get("content-type") || "").includes("json") ? "application/json" : "text/plain";
    window.open(URL.createObjectURL(new Blob([await answer.text()], { type: kind })));
  });
}

// The verdict

function verdict(kind, text, spoken, standing = []) {
  byId("verdict").className = `verdict ${kind}`;
  say(byId("verdict-text"), text);
  say(byId("said"), spoken);
  const lines = standing.map((one) => {
    const often = one.count ? `, ${times(one.count)} in the last minute` : "";
    const when = one.ago_s > 2 ? `, last ${ago(one.ago_s)} ago` : "";
    return el("li", {}, el("b", {}, one.stage), `: ${one.fallback} `, el("span", {}, `– ${one.reason}${often}${when}`));
  });
  byId("degraded").replaceChildren(...lines);
}

function away(code) {
  document.body.classList.add("away");
  const gone = answered ? `has not answered for ${ago((Date.now() - answered) / 1000)}; below is what it said last` : "does not answer";
  verdict("short", code ? `The service answers ${code} and not how it is. It is asked again every second.` : `The service ${gone}. It is asked again every second.`, "The service does not answer");
}

function judge(status) {
  const lately = status.slots.slice(-12);
  const of = lately.reduce((sum, slot) => sum + slot.requests, 0);
  const shed = lately.reduce((sum, slot) => sum + slot.shed, 0), failed = lately.reduce((sum, slot) => sum + slot.failed, 0);
  const load = `${rate(status.per_s)} requests/s, p99 ${ms(status.p99_ms)} of ${ms(status.required_p99_ms)} ms`;
  if (status.degraded.length) return ["short", `Degraded: ${load}.`, `Degraded: ${status.degraded.map((one) => `${one.stage}, ${one.fallback}`).join("; ")}`];
  if (failed) return ["short", `Failing: ${grouped(failed)} requests failed in the last minute; ${load}.`, "Requests fail"];
  if (shed > status.may_miss * of) return ["short", `Overloaded: ${grouped(shed)} of ${grouped(of)} requests refused in the last minute, p99 ${ms(status.p99_ms)} of ${ms(status.required_p99_ms)} ms.`, "Overloaded: requests are refused"];
  if (status.p99_ms === null) return ["quiet", "Ready. No requests in the last minute.", "Ready"];
  if (status.p99_ms > status.required_p99_ms) return ["short", `Slow: ${load}.`, "Slower than required"];
  return ["", `As designed: ${load}.`, "As designed"];
}

// The flow

const find = (attribute, value) => document.querySelector(`[data-${attribute}="${value}"]`);

function bar(node, median, tail, limit) {
  if (!node.childElementCount) node.append(el("i"), el("b"));
  const share = (x) => Math.min((100 * (x ?? 0)) / limit, 100);
  node.style.setProperty("--median", median ? Math.max(share(median), 0.6) : 0);
  node.style.setProperty("--tail", share(tail));
  node.classList.toggle("plain", tail === null);
  node.classList.toggle("over", tail !== null && tail > limit);
}

for (const row of document.querySelectorAll("[data-stage]")) row.append(el("span", { class: "n" }));
for (const row of document.querySelectorAll("[data-part] [data-stage]")) row.append(el("div", { class: "bar" }));
for (const part of document.querySelectorAll("[data-part]")) {
  part.firstElementChild.after(el("p", { class: "rate" }), el("div", { class: "bar" }), el("p", { class: "n" }));
}

function drawStage(stage, deadlines) {
  const row = find("stage", stage.name), part = stage.within ? null : find("part", stage.name);
  if (part) {
    say(part.querySelector(".rate"), `${rate(stage.per_s)}/s`);
    bar(part.querySelector(".bar"), stage.p50_ms, stage.p99_ms, stage.deadline_ms);
    const fell = stage.fallbacks ? `; ${stage.fallback} ${times(stage.fallbacks)}` : "";
    say(part.querySelector(":scope > .n"), `p50 ${ms(stage.p50_ms)}, p99 ${ms(stage.p99_ms)} of ${ms(stage.deadline_ms)} ms${fell}`);
    part.classList.toggle("failing", stage.fallbacks > 0);
  } else if (row) {
    say(row.querySelector(".n"), stage.p50_ms === null ? "–" : `${ms(stage.p50_ms)} / ${ms(stage.p99_ms)} ms`);
    if (deadlines[stage.within]) bar(row.querySelector(".bar"), stage.p50_ms, stage.p99_ms, deadlines[stage.within]);
  }
}

const answers = () => (document.body.classList.contains("estimating") ? "estimates" : "slates");

function drawFlow(status) {
  const deadlines = Object.fromEntries(status.stages.map((stage) => [stage.name, stage.deadline_ms]));
  for (const stage of status.stages) drawStage(stage, deadlines);
  const { events } = status, down = status.degraded.some((one) => one.stage === "writer");
  say(find("of", "requests"), `${rate(status.per_s)}/s`);
  bar(find("bar", "requests"), status.per_s, null, status.required_per_s);
  const refused = status.slots.slice(-12).reduce((sum, slot) => sum + slot.shed, 0);
  say(find("note", "requests"), `of ${rate(status.required_per_s)}/s required${refused ? `; ${grouped(refused)} refused` : ""}`);
  bar(find("bar", "whole"), status.p50_ms, status.p99_ms, status.required_p99_ms);
  say(find("note", "whole"), `in all p50 ${ms(status.p50_ms)}, p99 ${ms(status.p99_ms)} of ${ms(status.required_p99_ms)} ms`);
  say(find("of", "events"), `${rate(events.posted_per_s)}/s`);
  say(find("of", "decisions"), `${rate(events.decisions_per_s)} ${answers()}/s`);
  const dropped = events.dropped ? `, ${grouped(events.dropped)} dropped` : "";
  say(find("note", "writer"), down ? `away: ${grouped(events.behind)} ${answers()} wait here${dropped}` : events.dropped ? `${grouped(events.dropped)} ${answers()} were dropped` : "");
  document.querySelector(".writer").classList.toggle("failing", down);
  say(find("of", "state"), events.lag_p50_ms === null ? "" : `seen ${ms(events.lag_p50_ms)} / ${ms(events.lag_p99_ms)} ms after the acknowledgement`);
  say(find("note", "state"), `Newest event ${events.newest || "none yet"}${down ? ", and no newer one until the writer is back" : ""}`);
}

// The last five minutes

const STRIPS = [
  ["Requests/s", "tall", (slot) => slot.requests / SLOT_S, (status) => `${rate(status.per_s)}/s`],
  ["p99, ms", "tall off", (slot) => slot.p99_ms, (status) => `${ms(status.p99_ms)} ms`],
  ["Fallbacks", "wrong", (slot) => slot.fallbacks, (status) => grouped(status.fallbacks)],
  ["Refused", "wrong", (slot) => slot.shed, (status) => grouped(status.shed)],
  ["Failed", "wrong", (slot) => slot.failed, (status) => grouped(status.failed)],
];
const seen = new Map();  // What this page has seen itself outlives the process that told it.
let cursor = null;

const strips = STRIPS.map(([name, kind]) => {
  const bars = Array.from({ length: SLOTS }, (_, x) => el("rect", { x: 10 * x + 1, width: 8, y: 100, height: 0 }));
  const at = el("rect", { class: "at", width: 10, height: 100, y: 0, x: -10 }), limit = el("line", { class: "limit", x1: 0, x2: 600, y1: -9, y2: -9 });
  const svg = el("svg", { class: kind, viewBox: "0 0 600 100", preserveAspectRatio: "none", role: "img" }, ...bars, el("line", { x1: 0, x2: 600, y1: 100, y2: 100 }), limit, at);
  const value = el("span", { class: "n" });
  byId("strips").append(el("span", {}, name), value, svg);
  return { svg, bars, at, limit, value };
});
byId("strips").append(el("div", { class: "ends" }, el("span", {}, "5 min ago"), el("span", {}, "now")));

function drawStrips(status) {
  for (const slot of status.slots) seen.set(slot.at, slot);
  const newest = status.slots.at(-1).at, moments = Array.from({ length: SLOTS }, (_, x) => newest - SLOT_S * (SLOTS - 1 - x));
  for (const at of seen.keys()) if (at < moments[0]) seen.delete(at);
  strips.forEach(({ svg, bars, limit, value }, place) => {
    const [name, , of, text] = STRIPS[place], past = place === 1 ? status.required_p99_ms : null;
    // The newest slot is not full yet: its count would look like a dip.
    const values = moments.map((at, x) => (seen.has(at) && (place || x < SLOTS - 1) ? of(seen.get(at)) : null));
    const top = Math.max(...values, past ?? 0, place ? 1 : status.per_s, 1e-9) * 1.08;
    values.forEach((x, slot) => {
      const height = x ? Math.max((100 * x) / top, 3) : 0;
      bars[slot].setAttribute("y", 100 - height);
      bars[slot].setAttribute("height", height);
      bars[slot].classList.toggle("past", past !== null && x > past);
    });
    if (past) for (const y of ["y1", "y2"]) limit.setAttribute(y, 100 - (100 * past) / top);
    say(value, text(status));
    svg.setAttribute("aria-label", `${name}, at most ${rate(Math.max(...values))}; in all ${text(status)}`);
  });
  shown = { moments, limit: status.required_p99_ms };
  if (cursor !== null) point(cursor);
}

let shown = null;
function point(x) {
  if (!shown) return;
  cursor = x === null ? null : Math.min(Math.max(x, 0), SLOTS - 1);
  for (const { at } of strips) at.setAttribute("x", cursor === null ? -10 : 10 * cursor);
  const at = shown.moments[cursor], slot = seen.get(at);
  const time = cursor === null ? "" : new Date(1000 * at).toLocaleTimeString();
  const text = !slot ? `${time}: not seen` : `${time}: ${rate(slot.requests / SLOT_S)} requests/s, p99 ${ms(slot.p99_ms)} ms, ${slot.fallbacks} fallbacks, ${slot.shed} refused, ${slot.failed} failed`;
  say(byId("slot"), cursor === null ? "Point at a moment, or use the arrow keys, to read it." : text);
}
byId("strips").addEventListener("pointermove", (event) => {
  const box = strips[0].svg.getBoundingClientRect();
  point(event.clientX < box.left || event.clientX > box.right ? null : Math.floor((SLOTS * (event.clientX - box.left)) / box.width));
});
byId("strips").addEventListener("pointerleave", () => point(null));
byId("strips").addEventListener("blur", () => point(null));
byId("strips").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, Home: -SLOTS, End: SLOTS }[event.key];
  if (event.key === "Escape") point(null);
  if (!step) return;
  event.preventDefault();
  byId("slot").setAttribute("aria-live", "polite");
  point((cursor ?? SLOTS - 1) + step);
});

// All of it

function draw(status) {
  document.title = `${status.design} – Sixfold console`;
  say(byId("design"), status.design);
  say(byId("goal"), status.goal);
  verdict(...judge(status), status.degraded);
  say(byId("release"), status.release);
  say(byId("age"), `${ago(status.release_age_s)} ago; a new one is due every ${ago(status.retrain_s)}`);
  const { lag_p50_ms: half, lag_p99_ms: most } = status.events;
  say(byId("lag"), half === null ? "no events lately" : `${ms(half)} ms, p99 ${ms(most)} ms`);
  say(byId("clock"), status.clock);
  say(byId("processes"), `${status.processes}, this one up ${ago(status.uptime_s)}`);
  say(byId("window"), `Medians and 99th percentiles of the last ${status.window_s > 54 ? "minute" : ago(status.window_s)}`);
  document.body.classList.toggle("estimating", !status.trial.item);
  drawFlow(status);
  drawStrips(status);
  prepare(status.trial);
}
