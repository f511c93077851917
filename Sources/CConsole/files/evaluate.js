// Evaluate: experts answer the questions of data sets, and are counted by how often they say what the data say.

import { list, loadModels, post, text } from "./api.js";
import { alert, button, field, h, replace, save, table } from "./dom.js";
import { number, percent, t, time } from "./strings.js";

/// Requests at a time: they share one batch.
const together = 8;
/// Up to so many different answers there is a table of which was taken for which.
const mostLabels = 12;

export function mount(root) {
  const note = h("div", {});
  const result = h("div", { class: "stack" });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t("Progress") });
  const several = (names) => h("select", { multiple: true, size: Math.min(8, Math.max(3, names.length)) },
    names.map(([value, name]) => h("option", { value }, name)));
  let run = new AbortController();

  Promise.all([list("/v1/files?purpose=fine-tune"), loadModels(true)]).then(([files, models]) => {
    const data = several(files.map((file) => [file.id, `${file.filename} (${time(file.created_at)})`]));
    const model = several(models.map((each) => [each.id, each.id]));
    const count = h("input", { type: "number", min: 1, max: 10000, value: 20, required: true });
    const length = h("input", { type: "number", min: 1, value: 64, required: true });
    const chosen = (element) => [...element.selectedOptions].map((option) => [option.value, option.textContent]);
    const start = h("button", { class: "main" }, t("Evaluate"));
    const stop = button(t("Stop"), () => run.abort(), { hidden: true });

    const evaluate = async (event) => {
      event.preventDefault();
      const sets = chosen(data);
      if (!sets.length) return replace(note, alert(t("Choose a data set first; the page Data takes files.")));
      const names = chosen(model).map(([id]) => id);
      if (!names.length) names.push(models[0].id);
      run = new AbortController();
      [start.disabled, stop.hidden, progress.hidden] = [true, false, false];
      replace(note);
      try {
        const rows = [];
        for (const [id, name] of sets) rows.push({ name, examples: await questions(id, Number(count.value)), answers: {} });
        await answerAll(rows, names, Number(length.value), run.signal, () => {
          replace(result, resultView(rows, names));
          progress.value = done(rows) / (names.length * rows.reduce((sum, row) => sum + row.examples.length, 0));
        });
      } catch (error) {
        if (error.name !== "AbortError") replace(note, alert(error));
      }
      [start.disabled, stop.hidden, progress.hidden] = [false, true, true];
      return undefined;
    };

    replace(root, h("h1", {}, t("Evaluate")), h("form", { class: "card", on: { submit: evaluate } },
      h("p", {}, t("Each model answers the questions of each data set at temperature 0; right is what the data say, letter by letter.")),
      h("div", { class: "fields" },
        field(t("Data set"), data, { hint: t("Hold Ctrl for several. Files it was not trained on tell most.") }),
        field(t("Model"), model, { hint: t("None chosen: the base.") }),
        field(t("Examples"), count, { hint: t("So many from the start of each file.") }), field(t("Max tokens"), length)),
      note, progress, h("div", { class: "actions" }, start, stop)), result);
  }, (error) => replace(root, h("h1", {}, t("Evaluate")), alert(error)));
  return () => run.abort();
}

const done = (rows) => rows.reduce((sum, row) => sum + Object.values(row.answers).flat().filter((each) => each !== undefined).length, 0);

// Questions

/// The first examples of a file as messages and the answer that is right.
async function questions(id, count) {
  const content = await text(`/v1/files/${id}/content`);
  const found = [];
  for (const line of content.split("\n")) {
    if (found.length === count) break;
    if (!line.trim()) continue;
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      throw new Error(t("Only files with one JSON example a line can be evaluated."));
    }
    const question = questionOf(record);
    if (question) found.push(question);
  }
  if (!found.length) throw new Error(t("No example of the file has a question and an answer."));
  return found;
}

function questionOf(record) {
  const of = (content, label, system) => ({
    messages: [...(system ? [{ role: "system", content: system }] : []), { role: "user", content }], label: String(label),
  });
  if (record.messages) {
    const at = record.messages.findLastIndex((each) => each.role === "assistant" && each.content);
    return at > 0 ? { messages: record.messages.slice(0, at).map(({ weight, ...each }) => each), label: record.messages[at].content } : undefined;
  }
  if (record.prompt !== undefined && record.completion !== undefined) return of(record.prompt, record.completion);
  if (record.instruction !== undefined && record.output !== undefined) {
    return of([record.instruction, record.input].filter(Boolean).join("\n"), record.output, record.system);
  }
  return undefined;
}

async function answerAll(rows, names, length, signal, onChange) {
  const work = rows.flatMap((row) => row.examples.flatMap((example, index) => names.map((name) => ({ row, example, index, name }))));
  for (const row of rows) for (const name of names) row.answers[name] = new Array(row.examples.length);
  const worker = async () => {
    for (let item = work.shift(); item; item = work.shift()) {
      const body = { model: item.name, messages: item.example.messages, temperature: 0, max_tokens: length };
      const reply = await post("/v1/chat/completions", body, { signal });
      item.row.answers[item.name][item.index] = reply.choices[0].message.content ?? "";
      onChange();
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
}

// Results

const same = (answer, label) => answer !== undefined && answer.trim() === label.trim();
const right = (row, name) => row.examples.filter((example, index) => same(row.answers[name][index], example.label)).length;

function resultView(rows, names) {
  const share = (row, name) => {
    const known = row.answers[name].filter((each) => each !== undefined).length;
    return t("{right} of {known} ({share})", { right: right(row, name), known, share: percent(known ? right(row, name) / known : 0) });
  };
  return [
    h("section", { class: "card" }, table(t("Right answers"), [t("Data set"), ...names],
      rows.map((row) => [row.name, ...names.map((name) => share(row, name))])),
    h("div", { class: "actions" }, button(t("Save as CSV"), () => save(csv(rows, names), "evaluation.csv", "text/csv"), { class: "plain" }))),
    // What was opened stays open while further answers come.
    rows.map((row) => h("details", { class: "card", open: row.isOpen ?? false, on: { toggle: (event) => (row.isOpen = event.target.open) } }, h("summary", {}, t("Answers beside labels: {name}", { name: row.name })),
      names.map((name) => confusion(row, name)),
      table(row.name, [t("Question"), t("Label"), ...names], row.examples.map((example, index) => [
        example.messages.at(-1).content, example.label,
        ...names.map((name) => verdict(row.answers[name][index], example.label)),
      ])))),
  ];
}

function verdict(answer, label) {
  if (answer === undefined) return "…";
  return h("span", {}, same(answer, label) ? "✓ " : "✗ ", h("span", { class: "hidden" }, same(answer, label) ? t("right") : t("wrong")), answer);
}

/// Which label was taken for which, where the data have few.
function confusion(row, name) {
  const labels = [...new Set(row.examples.map((each) => each.label.trim()))].sort();
  if (labels.length > mostLabels || labels.length * 2 > row.examples.length) return undefined;
  const count = (label, said) => row.examples.filter((each, index) => {
    const answer = row.answers[name][index]?.trim();
    return each.label.trim() === label && answer !== undefined && (said === undefined ? !labels.includes(answer) : answer === said);
  }).length;
  return table(t("What {name} says (columns) for each label (rows)", { name }), [t("Label"), ...labels, t("something else")],
    labels.map((label) => [label, ...labels.map((said) => number(count(label, said))), number(count(label))]));
}

function csv(rows, names) {
  const quote = (each) => `"${String(each ?? "").replaceAll('"', '""')}"`;
  const lines = rows.flatMap((row) => row.examples.map((example, index) => [
    row.name, example.messages.at(-1).content, example.label, ...names.map((name) => row.answers[name][index]),
  ]));
  return [["data set", "question", "label", ...names], ...lines].map((line) => line.map(quote).join(",")).join("\r\n");
}
