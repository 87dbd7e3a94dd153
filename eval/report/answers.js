"use strict";
// Finds, filters and shows the answers that are packed in this page. Uses no network.
const ANSWERS_PER_VIEW = 20;
const SHOWN_AT_ONCE = 400; // Longer texts are not compared: nobody sees a difference of one sign in them.
const section = document.getElementById("answers");
const form = section.querySelector("form");
const list = section.querySelector(".found");
const state = section.querySelector("[role=status]");
const packs = [...section.querySelectorAll("template.pack")];
const contents = JSON.parse(section.querySelector("template.contents").content.textContent);
const textsFrom = contents.fields.length + contents.figures.length;
const unpacked = new Map();
let turn = 0;
let rows = [];
let first = 0;

async function unpack(at) {
  if (!unpacked.has(at)) {
    const bytes = Uint8Array.from(atob(packs[at].content.textContent), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    unpacked.set(at, await new Response(stream).json());
    const texts = [...unpacked.keys()].filter((one) => one >= textsFrom);
    if (texts.length > 8) unpacked.delete(texts[0]);
  }
  return unpacked.get(at);
}

async function getAnswer(row) {
  const pack = await unpack(textsFrom + Math.floor(row / contents.rows_per_pack));
  return pack[row % contents.rows_per_pack];
}

async function filterRows() {
  const tests = [];
  for (const [at, field] of contents.fields.entries()) {
    const wanted = form.elements[`field-${at}`].value;
    if (!wanted) continue;
    const [values, codes] = await unpack(at);
    const code = values.indexOf(wanted.slice(1));
    tests.push((row) => codes[row] === code);
  }
  const result = form.elements.result.value;
  if (result !== "all") tests.push(await makeTest(result));
  const found = [];
  for (let row = 0; row < contents.rows; row++) if (tests.every((test) => test(row))) found.push(row);
  return found;
}

async function getFigure() {
  const at = Number(form.elements.figure.value);
  const [tuned, base = []] = await unpack(contents.fields.length + at);
  return { tuned, base, sign: contents.figures[at].less_is_better ? -1 : 1 };
}

async function makeTest(result) {
  const { tuned, base, sign } = await getFigure();
  const defined = (row) => tuned[row] !== null && base[row] !== null && base[row] !== undefined;
  return {
    right: (row) => tuned[row] === 1,
    wrong: (row) => tuned[row] === 0,
    better: (row) => defined(row) && sign * (tuned[row] - base[row]) > 0,
    worse: (row) => defined(row) && sign * (tuned[row] - base[row]) < 0,
    same: (row) => defined(row) && tuned[row] === base[row],
    undefined: (row) => tuned[row] === null,
  }[result];
}

async function searchTexts(chosen, query, mine) {
  const found = [];
  let done = -1;
  for (const row of chosen) {
    const pack = Math.floor(row / contents.rows_per_pack);
    if (pack !== done) {
      done = pack;
      state.textContent = `searching: ${row.toLocaleString("en")} of ${contents.rows.toLocaleString("en")} answers`;
      await new Promise((resume) => setTimeout(resume));
      if (mine !== turn) return found;
    }
    const answer = await getAnswer(row);
    if (answer.slice(0, 5).some((text) => text && text.toLowerCase().includes(query))) found.push(row);
  }
  return found;
}

async function sortRows(chosen) {
  const order = form.elements.order.value;
  if (order === "file") return chosen;
  const { tuned, base, sign } = await getFigure();
  const ascending = { worst: 1, best: -1, lost: 1, gained: -1 }[order];
  const compared = order === "lost" || order === "gained";
  const get = (row) => sign * (tuned[row] - (compared ? base[row] : 0));
  // What is undefined for the base is no 0, from which tuned could gain.
  const known = (row) => tuned[row] !== null && !(compared && base[row] === null);
  const last = chosen.filter((row) => !known(row));
  const others = chosen.filter(known);
  return [...others.sort((one, other) => ascending * (get(one) - get(other)) || one - other), ...last];
}

async function refresh() {
  const mine = ++turn;
  const query = form.elements.text.value.trim().toLowerCase();
  let found = await filterRows();
  if (query) found = await searchTexts(found, query, mine);
  found = await sortRows(found);
  if (mine !== turn) return;
  rows = found;
  await show(0);
}

async function show(from) {
  first = from;
  const shown = rows.slice(first, first + ANSWERS_PER_VIEW);
  const answers = [];
  for (const row of shown) answers.push(await getAnswer(row));
  list.replaceChildren(...answers.map(layOut));
  const count = `${rows.length.toLocaleString("en")} of ${contents.rows.toLocaleString("en")} answers`;
  const place = rows.length ? `, ${first + 1} to ${first + shown.length} shown` : "";
  state.textContent = count + place;
  form.elements.previous.disabled = first === 0;
  form.elements.next.disabled = first + ANSWERS_PER_VIEW >= rows.length;
}

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function layOut([id, prompt, reference, tuned, base, tunedCut, baseCut, tunedScores, baseScores]) {
  const article = make("article");
  const texts = make("dl", undefined, "answers");
  article.append(make("p", prompt || id, "prompt"), texts);
  addText(texts, "reference", [make("span", reference)]);
  if (contents.generated) {
    addText(texts, tunedCut ? "tuned, cut off" : "tuned", mark(reference, tuned));
    if (base !== null) addText(texts, baseCut ? "base, cut off" : "base", mark(reference, base));
  }
  const figures = contents.figures.map(({ name }, at) => {
    const before = at in baseScores ? ` (${format(baseScores[at])})` : "";
    return `${name} ${format(tunedScores[at])}${before}`;
  });
  article.append(make("p", `${figures.join(" · ")}`, "id"), make("p", id, "id"));
  return article;
}

function addText(texts, title, pieces) {
  const value = make("dd");
  const text = make("pre");
  text.append(...pieces);
  value.append(text);
  texts.append(make("dt", title), value);
}

// An episode has no one right text: its outputs are told from the agent's own lines instead.
function mark(reference, answer) {
  if (!contents.transcripts || answer === "") return compare(reference, answer);
  const lines = answer.split(/(?<=\n)/);
  return lines.map((line) => make("span", line, line.startsWith(">") ? "output" : undefined));
}

// What lies between the common beginning and the common end, by words.
function compare(reference, answer) {
  if (answer === "") return [make("span", "(an empty answer)")];
  const [old, given] = [reference, answer].map((text) => text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? []);
  if (old.length > SHOWN_AT_ONCE || given.length > SHOWN_AT_ONCE) return [make("span", answer)];
  let start = 0;
  while (start < Math.min(old.length, given.length) && old[start] === given[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, given.length) - start && old.at(-1 - end) === given.at(-1 - end)) end++;
  if (start + end < given.length / 2) return [make("span", answer)];
  const parts = [
    make("span", given.slice(0, start).join("")),
    make("del", old.slice(start, old.length - end).join("")),
    make("ins", given.slice(start, given.length - end).join("")),
    make("span", given.slice(given.length - end).join("")),
  ];
  return parts.filter((part) => part.textContent);
}

function format(value) {
  if (value === null || value === undefined) return "-";
  if (Math.abs(value) >= 1e7) return value.toExponential(2);
  return String(Number(value.toFixed(3)) || Number(value.toPrecision(1)));
}

function offerResults() {
  const { binary } = contents.figures[Number(form.elements.figure.value)];
  for (const option of form.elements.result.options) {
    if (option.value === "right" || option.value === "wrong") option.disabled = option.hidden = !binary;
  }
  if (form.elements.result.selectedOptions[0].disabled) form.elements.result.value = "all";
}

function begin() {
  watcher.disconnect();
  offerResults();
  refresh();
}

let waiting;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  if (event.target === form.elements.figure) offerResults();
  clearTimeout(waiting);
  waiting = setTimeout(refresh, event.target === form.elements.text ? 300 : 0);
});
form.elements.previous.addEventListener("click", () => show(first - ANSWERS_PER_VIEW));
form.elements.next.addEventListener("click", () => show(first + ANSWERS_PER_VIEW));
// Nothing is unpacked before somebody scrolls near.
const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin(), {
  rootMargin: "400px",
});
if (typeof DecompressionStream === "undefined") {
  state.textContent = "This browser is too old to unpack the answers; they are in predictions.jsonl beside this page.";
} else {
  form.hidden = false;
  watcher.observe(section);
}
