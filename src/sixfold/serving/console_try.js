// The other half: a slate for a member of one's choice, with what led to it.

let prepared = "";

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** Fields for what the release reads; made anew only where a release reads something else. */
function prepare(trial) {
  const said = JSON.stringify(trial);
  if (said === prepared) return;
  prepared = said;
  // Where estimates are made there is no member to try.
  byId("try").parentElement.hidden = !trial.item;
  say(byId("member-label"), capital(trial.member));
  byId("members").replaceChildren(...trial.members.map((id) => el("option", { value: id })));
  if (!byId("member").value && trial.members.length) byId("member").value = trial.members[0];
  const held = Object.fromEntries([...document.querySelectorAll("[data-context]")].map((input) => [input.dataset.context, input.value]));
  byId("contexts").replaceChildren(...trial.contexts.map((name, n) => {
    const input = el("input", { id: `context-${n}`, "data-context": name, maxlength: 256, placeholder: "not said", autocomplete: "off" });
    input.value = held[name] ?? "";
    return el("div", { class: "wide" }, el("label", { for: `context-${n}` }, name), input);
  }));
}

/** What was typed: a number where it reads as one, for features that read numbers. */
const typed = (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);

let trying = false;
byId("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (trying) return;
  const context = Object.fromEntries([...document.querySelectorAll("[data-context]")].filter((input) => input.value.trim()).map((input) => [input.dataset.context, typed(input.value.trim())]));
  const wanted = { member: byId("member").value, context, k: Number(byId("k").value), explain: byId("explain").checked, timing: true };
  trying = true;
  const began = performance.now();
  const [code, answer] = await ask("/v1/recommend", wanted);
  const took = performance.now() - began;
  trying = false;
  if (code === 200) return show(answer, took);
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

const degradedBy = (slate) => slate.degraded.map((one) => el("p", { class: "verdict short" }, `${one.stage}: ${one.fallback} (${one.reason})`));

function timing(stages, took) {
  const total = Object.values(stages).reduce((sum, x) => sum + x, 0);
  const pieces = Object.entries(stages).map(([name, x]) => {
    const piece = el("span", {}, el("span", {}, `${name} ${ms(x)}`));
    piece.style.flex = `${x} 0 0`;
    return piece;
  });
  const each = Object.entries(stages).map(([name, x]) => `${name} ${ms(x)}`).join(", ");
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
