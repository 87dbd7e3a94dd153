"use strict";
// Keeps a draft, goes from line to line by keys, and saves the answers as a file. Uses no network.
const form = document.querySelector("form");
const sections = [...form.querySelectorAll("section")];
const lines = [...form.querySelectorAll("fieldset")];
const draft = `human-eval ${form.dataset.study} ${form.dataset.evaluator}`;

const isDone = (line) => line.querySelector(":checked") !== null;
const isOpen = (section) => ![...section.querySelectorAll("fieldset")].every(isDone);

function showProgress() {
  let done = 0;
  for (const section of sections) {
    const open = isOpen(section);
    done += !open;
    section.classList.toggle("open", open && section.querySelector(":checked") !== null);
  }
  document.getElementById("progress").textContent = `${done} of ${sections.length} done`;
}

function keepDraft() {
  const chosen = [...form.querySelectorAll(":checked")].map((input) => [input.name, input.value]);
  try {
    localStorage.setItem(draft, JSON.stringify(chosen));
  } catch {
    document.getElementById("lost").hidden = false;
  }
}

function restoreDraft() {
  try {
    for (const [name, value] of JSON.parse(localStorage.getItem(draft)) ?? []) {
      form.elements[name].value = value;
    }
  } catch {
    document.getElementById("lost").hidden = false;
  }
}

function enter(line) {
  (line.querySelector(":checked") ?? line.querySelector("input")).focus();
}

function goToOpen() {
  const line = lines.find((one) => !isDone(one));
  if (!line) return false;
  const section = line.closest("section");
  (section.querySelector(":checked") ? line : section).scrollIntoView();
  enter(line);
  return true;
}

function collect() {
  return sections.map((section) => {
    const ratings = {};
    let best;
    for (const input of section.querySelectorAll(":checked")) {
      const [, letter, scale] = input.name.split("-");
      if (scale) (ratings[letter] ??= {})[scale] = Number(input.value);
      else best = input.value;
    }
    return { question: Number(section.dataset.question), ratings, best };
  });
}

function save() {
  if (goToOpen()) {
    const missing = sections.filter(isOpen).length;
    document.getElementById("progress").textContent = `${missing} of ${sections.length} are still open: here is the first`;
    return;
  }
  const answers = { study: form.dataset.study, evaluator: Number(form.dataset.evaluator), answers: collect() };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(answers, null, 1)], { type: "application/json" }));
  link.download = `human-eval-${answers.study}-evaluator-${answers.evaluator}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
  document.getElementById("progress").textContent = `saved as ${link.download}: send it back`;
}

form.addEventListener("change", () => {
  showProgress();
  keepDraft();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("keydown", (event) => {
  const line = event.target.closest("fieldset");
  if (!line || event.ctrlKey || event.altKey || event.metaKey) return;
  const input = line.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!input) return;
  event.preventDefault();
  input.checked = true;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const next = lines[lines.indexOf(line) + 1];
  if (next) enter(next);
});
document.getElementById("next").addEventListener("click", goToOpen);
document.getElementById("save").addEventListener("click", save);
document.getElementById("save-below").addEventListener("click", save);
restoreDraft();
showProgress();
