// Data: files come in, and are seen as the model sees them, with what is learned marked.

import { blob, get, list, post, remove, upload } from "./api.js";
import { histogram } from "./charts.js";
import { alert, button, field, h, replace, save, status, table } from "./dom.js";
import { bytes, number, percent, t, time } from "./strings.js";

const pageSize = 20;
/// Examples whose lengths and repetitions are looked at.
const sample = 500;
/// Kept answers that are looked at.
const mostRated = 1000;

export function mount(root) {
  const report = h("div", {});
  const files = h("section", { class: "card" });
  const examples = h("section", { class: "card", hidden: true });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t("Upload") });
  const picker = h("input", { type: "file", accept: ".jsonl,.json,.csv,.txt,.gz,.zst", on: { change: () => send(picker.files[0]) } });

  async function send(file) {
    if (!file) return;
    replace(report);
    progress.hidden = false;
    try {
      const stored = await upload(file, "fine-tune", (share) => (progress.value = share));
      replace(report, status(t("'{name}' is stored: {size}, checked to its last line.", { name: stored.filename, size: bytes(stored.bytes) })));
      picker.value = "";
      await showFiles();
      await showExamples(stored);
    } catch (error) {
      replace(report, alert(error));
    }
    progress.hidden = true;
  }

  async function showFiles() {
    try {
      const all = await list("/v1/files", 1000);
      replace(files, h("h2", {}, t("Files")), all.length
        ? table(t("Stored files, newest first"), [t("Name"), t("Purpose"), t("Size"), t("Stored"), t("Actions")], all.map((file) => [
          file.filename, file.purpose, bytes(file.bytes), time(file.created_at), h("div", { class: "actions" },
            file.purpose === "fine-tune" && button(t("Show"), () => act(() => showExamples(file)), { class: "plain", "aria-label": t("Show {name}", { name: file.filename }) }),
            button(t("Download"), () => download(file), { class: "plain", "aria-label": t("Download {name}", { name: file.filename }) }),
            button(t("Delete"), () => drop(file), { class: "plain", "aria-label": t("Delete {name}", { name: file.filename }) })),
        ]))
        : h("p", {}, t("There are no files yet. Choose one above: JSONL in OpenAI's chat form, Alpaca, ShareGPT, CSV or plain text.")));
    } catch (error) {
      replace(files, alert(error));
    }
  }

  /// Does what a button asks for; what went wrong before is forgotten.
  const act = (work) => {
    replace(report);
    return attempt(work);
  };

  const download = (file) => act(async () => save(await blob(`/v1/files/${file.id}/content`), file.filename));

  const drop = (file) => confirm(t("Delete '{name}'?", { name: file.filename }))
    && act(async () => {
      await remove(`/v1/files/${file.id}`);
      examples.hidden = true;
      await showFiles();
    });

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      replace(report, alert(error));
    }
  }

  // Examples

  async function showExamples(file) {
    examples.hidden = false;
    const found = h("div", { class: "list examples" });
    const facts = h("div", {});
    const more = button(t("More examples"), () => attempt(next));
    let after = 0;
    const next = async () => {
      const page = await get(`/v1/files/${file.id}/examples?after=${after}&limit=${pageSize}`);
      after = page.data.at(-1)?.index ?? after;
      found.append(...page.data.map(exampleView));
      more.hidden = !page.has_more;
    };
    replace(examples, h("h2", {}, file.filename),
      h("p", {}, t("As the model sees it. What is "), h("mark", {}, t("marked")), t(" is learned, everything else is only read.")),
      facts, found, more);
    await attempt(next);
    await attempt(async () => replace(facts, factsView(await lengths(file))));
  }

  async function lengths(file) {
    const all = [];
    let page = { has_more: true };
    for (let at = 0; page.has_more && all.length < sample; at = page.data.at(-1).index) {
      page = await get(`/v1/files/${file.id}/examples?after=${at}&limit=100`);
      all.push(...page.data);
    }
    return { all, isWhole: !page.has_more };
  }

  function factsView({ all, isWhole }) {
    const tokens = all.map((each) => each.tokens);
    const sum = (name) => all.reduce((total, each) => total + each[name], 0);
    const repeated = all.length - new Set(all.map((each) => each.text)).size;
    return h("div", { class: "charts" },
      h("dl", {},
        [[isWhole ? t("Examples") : t("First examples"), number(all.length)], [t("Tokens"), number(sum("tokens"))],
          [t("Learned tokens"), t("{count} ({share})", { count: number(sum("trained_tokens")), share: percent(sum("trained_tokens") / sum("tokens")) })],
          [t("Longest"), number(Math.max(...tokens))], [t("Repeated"), number(repeated)]]
          .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      histogram(t("Tokens per example"), tokens));
  }

  // What was rated in the chat, or over the API

  const rated = h("section", { class: "card" });

  async function showRated() {
    const all = await list("/v1/chat/completions?order=desc", mostRated);
    const of = (test) => all.filter(({ metadata }) => test(metadata ?? {}));
    const counted = of(({ rating, correction }) => rating || correction);
    const count = (model, test) => number(of(test).filter((each) => each.model === model).length);
    const models = [...new Set(counted.map((each) => each.model))].sort();
    replace(rated, h("h2", {}, t("From rated answers")), models.length
      ? [table(t("Rated answers, of the newest {count} that are kept", { count: number(all.length) }),
        [t("Model"), t("Good"), t("Bad"), t("Corrected")], models.map((model) => [model, count(model, (each) => each.rating === "up"),
          count(model, (each) => each.rating === "down"), count(model, (each) => each.correction)])),
      h("div", { class: "actions" }, [["chat", t("Make examples")], ["preference", t("Make preferences")], ["kto", t("Make likes and dislikes")]]
        .map(([format, name]) => button(name, () => act(() => makeSet(format)))))]
      : h("p", {}, t("Rate or correct answers on the page Chat; they become data sets here.")));
  }

  async function makeSet(format) {
    const file = await post("/v1/chat/completions/export", { format });
    replace(report, status(t("'{name}' is made: {size}.", { name: file.filename, size: bytes(file.bytes) })));
    await showFiles();
    await showExamples(file);
  }

  replace(root, h("h1", {}, t("Data")),
    h("section", { class: "card" },
      field(t("Data file"), picker, { hint: t("JSONL, JSON, CSV or text, also as .gz or .zst. It is checked before it is stored.") }),
      progress, report),
    examples, files, rated);
  showFiles();
  attempt(showRated);
}

/// An example with its learned stretches marked, and the worse answer of a pair below the better.
function exampleView(example) {
  const { line, tokens, trained_tokens: trained, rejected, good } = example;
  return h("article", { class: "example", "aria-label": t("Line {line}", { line }) },
    h("small", {}, t("line {line}, {tokens} tokens, {trained} learned", { line, tokens, trained })),
    good !== undefined && h("span", { class: "tag" }, good ? t("Good") : t("Bad")), rejected && h("h3", {}, t("The better answer")), markedText(example),
    rejected && [h("h3", {}, t("The worse answer")), markedText(rejected)]);
}

/// Places count Unicode scalars, as in Python.
function markedText(example) {
  const scalars = Array.from(example.text);
  const parts = [];
  let at = 0;
  for (const [from, to] of example.trained) {
    parts.push(scalars.slice(at, from).join(""), h("mark", {}, scalars.slice(from, to).join("")));
    at = to;
  }
  parts.push(scalars.slice(at).join(""));
  return h("div", { class: "text" }, parts);
}
