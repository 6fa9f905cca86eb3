// The other half: a slate for a member of one's choice, or how long something takes, with what led to it.

let prepared = "";

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** Fields for what the release reads; made anew only where a release reads something else. */
function prepare(trial) {
  const said = JSON.stringify(trial);
  if (said === prepared) return;
  prepared = said;
  say(byId("try-title"), trial.item ? `Try a ${trial.member}` : "Try an estimate");
  byId("member").required = Boolean(trial.item);
  say(byId("member-label"), capital(trial.member));
  byId("members").replaceChildren(...trial.members.map((id) => el("option", { value: id })));
  if (!byId("member").value && trial.members.length) byId("member").value = trial.members[0];
  const held = Object.fromEntries([...document.querySelectorAll("[data-context]")].map((input) => [input.dataset.context, input.value]));
  byId("contexts").replaceChildren(...[...Object.keys(trial.keys), ...trial.contexts].map((name, n) => {
    const ids = trial.keys[name], list = ids ? { list: `ids-${n}`, "data-key": "" } : {};
    const input = el("input", { id: `context-${n}`, "data-context": name, maxlength: 256, placeholder: "not said", autocomplete: "off", ...list });
    input.value = held[name] ?? ids?.[0] ?? "";
    const known = ids ? [el("datalist", { id: `ids-${n}` }, ...ids.map((id) => el("option", { value: id })))] : [];
    return el("div", { class: "wide" }, el("label", { for: `context-${n}` }, name), input, ...known);
  }));
}

/** What was typed: a number where it reads as one, for features that read numbers. */
const typed = (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

let trying = false;
byId("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (trying) return;
  const context = Object.fromEntries([...document.querySelectorAll("[data-context]")].filter((input) => input.value.trim()).map((input) => [input.dataset.context, "key" in input.dataset ? input.value.trim() : typed(input.value.trim())]));
  const timed = document.body.classList.contains("estimating");
  const wanted = timed ? { context, timing: true } : { member: byId("member").value, context, k: Number(byId("k").value), explain: byId("explain").checked, timing: true };
  trying = true;
  const began = performance.now();
  const [code, answer] = await ask(timed ? "/v1/estimate" : "/v1/recommend", wanted);
  const took = performance.now() - began;
  trying = false;
  if (code === 200) return (timed ? foretell : show)(answer, took);
  if (code === 401) askToken("");
  byId("answer").replaceChildren();
  byId("answered").className = "bad";
  say(byId("answered"), code ? `${capital(answer.error.message)} (${code}).` : "The service does not answer.");
});

function show(slate, took) {
  byId("answered").className = "";
  const stranger = slate.known ? "" : ", whom the log does not know: the slate of a stranger";
  say(byId("answered"), `${slate.items.length} items for ${slate.member}${stranger}`);
  byId("answer").replaceChildren(...degradedBy(slate), timing(slate.timing_ms ?? {}, took), aside(slate), table(slate.items));
}

const minutes = (s) => (s / 60).toFixed(1);

/** How long it takes: what is told, and from when to when the whole and each leg end 9 times in 10, or whatever the levels say. */
function foretell(estimate, took) {
  byId("answered").className = "";
  say(byId("answered"), `${estimate.told.words} for this ${estimate.of}`);
  const levels = Object.keys(estimate.quantiles).sort((a, b) => a - b), at = (level) => estimate.quantiles[level];
  const middle = levels.reduce((best, level) => (Math.abs(level - 0.5) < Math.abs(best - 0.5) ? level : best));
  const ends = [at(levels[0]), at(middle), at(levels.at(-1))], most = Math.max(ends[2], estimate.promise_s);
  const row = (name, [low, half, high], promise) => {
    const range = el("div", { class: "range", "aria-hidden": "true" }, el("i"), el("b"), ...(promise ? [el("u")] : []));
    for (const [key, s] of [["from", low], ["at", half], ["to", high], ["told", promise ?? 0]]) range.style.setProperty(`--${key}`, (100 * s) / most);
    return el("tr", {}, el("td", {}, name), el("td", {}, range), el("td", {}, `${minutes(half)} (${minutes(low)} to ${minutes(high)})`));
  };
  const legs = Object.entries(estimate.legs), share = Math.round(100 * (levels.at(-1) - levels[0]));
  const rows = [row("the whole", ends, estimate.promise_s), ...(legs.length > 1 ? legs.map(([name, leg]) => row(name, [leg.low_s, leg.median_s, leg.high_s])) : [])];
  const head = ["", "the dark mark is the promise", `minutes: the median, and ${share} % between`].map((text) => el("th", { scope: "col" }, text));
  byId("answer").replaceChildren(...degradedBy(estimate), timing(estimate.timing_ms ?? {}, took), aside(estimate),
    el("table", { class: "ranges" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
}

const degradedBy = (slate) => slate.degraded.map((one) => el("p", { class: "verdict short" }, `${one.stage}: ${one.fallback} (${one.reason})`));

function timing(stages, took) {
  const total = Object.values(stages).reduce((sum, x) => sum + x, 0);
  const pieces = Object.entries(stages).map(([name, x]) => {
    const piece = el("span", {}, el("span", {}, `${name} ${ms(x)}`));
    piece.style.flex = `${x} 0 0`;
    return piece;
  });
  const each = Object.entries(stages).map(([name, x]) => `${name} ${ms(x)}`).join(", ");
  if (!pieces.length) return el("p", { class: "note" }, `${ms(took)} ms until it was here`);
  return el("div", {}, el("div", { class: "took", "aria-hidden": "true" }, ...pieces),
    el("p", { class: "note" }, `${ms(total)} ms in the stages (${each}), ${ms(took)} ms until it was here`));
}

function aside(slate) {
  const gone = Object.entries(slate.removed ?? {}).map(([why, n]) => `${grouped(n)} ${why}`).join(", ");
  const lines = [`Decision ${slate.decision}`, `release ${slate.release}`];
  if (slate.removed) lines.unshift(`Filters took out ${gone || "nothing"}`);
  return el("p", { class: "aside" }, ...lines.map((line) => el("span", {}, line)));
}

const short = (x) => (x === null ? "missing" : Number.isInteger(x) ? grouped(x) : Math.abs(x) >= 100 ? grouped(Math.round(x)) : String(Number(x.toPrecision(3))));

function measure(value, most, label) {
  const small = el("span", { class: "small" });
  small.style.setProperty("--share", most > 0 ? Math.max((100 * value) / most, 1) : 0);
  return el("div", { class: "measure" }, small, el("span", {}, ...label));
}

/** The columns of the slate: a head, and what stands under it; one that would be empty is left out. */
function columns(items) {
  const most = (pick) => Math.max(0, ...items.flatMap(pick));
  const adds = most((item) => (item.reasons ?? []).map((reason) => reason.adds)), score = most((item) => item.score);
  const head = Object.fromEntries(Object.keys(items[0].heads ?? {}).map((name) => [name, most((item) => item.heads[name] ?? 0)]));
  const chips = (item) => Object.entries(item.sources ?? {}).map(([source, place]) => el("span", { class: "chip" }, `${source} ${place}`));
  return [
    ["Item", (item) => [item.title || item.item, ...(item.title && item.title !== item.item ? [el("small", {}, item.item)] : [])]],
    ["Score", (item) => [measure(item.score, score, [short(item.score)])]],
    ["Predicted", (item) => Object.entries(item.heads ?? {}).map(([name, x]) => measure(x, head[name], [`${name} ${short(x)}`]))],
    ["Stands out by", (item) => (item.reasons ?? []).map((reason) => measure(reason.adds, adds, [el("em", {}, `+${short(reason.adds)}`), `${reason.column} = ${short(reason.value)}`]))],
    ["Found by, at place", chips],
    ["Chance of this place", (item) => (item.sources ? [] : [short(item.propensity ?? null)])],
  ].filter(([, cells]) => items.some((item) => cells(item).length));
}

function table(items) {
  if (!items.length) return "";
  const shown = columns(items), heads = ["", ...shown.map(([name]) => name)].map((name) => el("th", { scope: "col" }, name));
  const rows = items.map((item) => el("tr", {}, el("td", {}, String(item.position)), ...shown.map(([name, cells]) => el("td", { class: name.toLowerCase().split(" ")[0] }, ...cells(item)))));
  return el("table", { class: "answers" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
}

if (document.body.dataset.guarded === "yes") askToken("");
else poll();
