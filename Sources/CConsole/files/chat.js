// Chat: one prompt to any models, experts and mixes side by side; they are answered in one batch.

import { loadModels } from "./api.js";
import { answer } from "./answer.js";
import { alert, button, field, h, kept, replace, select, setOptions } from "./dom.js";
import { conversationView } from "./messages.js";
import { t } from "./strings.js";
import { parentOf, path, wireMessage } from "./turns.js";

const mixed = "mix:";

/// What one column asks, and what was said there. A turn is `{role, content, …, children, chosen}`: an edited
/// question or a second answer is a sibling, so that nothing said is lost.
const newColumn = () => ({ target: "", mix: "", root: { children: [], chosen: 0 } });

const defaults = () => ({
  draft: "", columns: [newColumn()], temperature: "", maxTokens: "", topP: "", seed: "", stop: "", system: "",
  schema: "", tools: "", toolChoice: "auto", logprobs: false, keeps: true,
});

const state = { ...defaults(), ...kept.read("chat", {}) };
// An answer that was coming when the page went away is not coming any more.
for (const column of state.columns) for (const turn of path(column.root)) delete turn.isRunning;
const store = () => kept.write("chat", state);

/// Opens the chat with a model, as other pages ask for it.
export function talkTo(model) {
  state.columns[0].target = model;
  store();
  location.hash = "#/chat";
}

export function mount(root) {
  const running = new Set();
  const views = [];
  const problem = h("div", {});
  const columns = h("div", { class: "columns" });
  const extras = h("div", { class: "fields" });
  let names = [];

  // Settings

  const bound = (name, props = {}, tag = "input") => h(tag, {
    value: state[name], on: { input: (event) => { state[name] = event.target.value; store(); } }, ...props,
  });
  const model = select([], "", (value) => retarget(0, value));
  const compare = select([], "", (value) => retarget(1, value));
  const number = (name, props) => bound(name, { type: "number", placeholder: t("model's own"), ...props });
  const logprobs = h("input", { type: "checkbox", checked: state.logprobs,
    on: { change: () => { state.logprobs = logprobs.checked; store(); } } });
  const keeps = h("input", { type: "checkbox", checked: state.keeps,
    on: { change: () => { state.keeps = keeps.checked; store(); } } });
  const settings = h("div", { class: "card" },
    h("div", { class: "fields" },
      field(t("Model"), model), field(t("Compare"), compare),
      field(t("Temperature"), number("temperature", { min: 0, max: 2, step: 0.1 })),
      field(t("Max tokens"), number("maxTokens", { min: 1, step: 1 }))),
    extras,
    h("details", {}, h("summary", {}, t("More settings")),
      h("div", { class: "fields" },
        field(t("Top p"), number("topP", { min: 0, max: 1, step: 0.05 })),
        field(t("Seed"), number("seed", { step: 1 })),
        field(t("Stop text"), bound("stop")),
        field(t("Show token probabilities"), logprobs, { inline: true }),
        field(t("Keep answers"), keeps, { inline: true, hint: t("On this server, so that they can be rated and learned from.") })),
      field(t("System prompt"), bound("system", { rows: 2 }, "textarea"), { wide: true }),
      field(t("JSON Schema of the answer"), bound("schema", { rows: 3, spellcheck: "false" }, "textarea"),
        { wide: true, hint: t("The answer is held to it, token by token.") }),
      field(t("Tools"), bound("tools", { rows: 3, spellcheck: "false" }, "textarea"),
        { wide: true, hint: t("A JSON list of functions, as OpenAI's API takes it.") }),
      field(t("Tool choice"), select([["auto", t("the model decides")], ["required", t("a call")], ["none", t("no call")]],
        state.toolChoice, (value) => { state.toolChoice = value; store(); }))));

  function retarget(index, value) {
    if (index > 0 && !value) state.columns.splice(index, 1);
    else (state.columns[index] ??= newColumn()).target = value;
    store();
    showColumns();
  }

  /// Selects and inputs that depend on how many columns there are.
  function showExtras() {
    const targets = [...names.map((name) => [name, name]), ...(names.length ? [[mixed, t("A mix of experts …")]] : [])];
    setOptions(model, targets, state.columns[0].target || names[0] || "");
    setOptions(compare, [["", "—"], ...targets], state.columns[1]?.target ?? "");
    replace(extras,
      state.columns.slice(2).map((column, index) => field(t("Compare {number}", { number: index + 2 }),
        select([["", "—"], ...targets], column.target, (value) => retarget(index + 2, value)))),
      state.columns.length > 1 && state.columns.length < 6
        && button(t("One more"), () => retarget(state.columns.length, names[0]), { class: "plain" }),
      state.columns.map((column, index) => column.target === mixed && field(
        index ? t("Mix {number}", { number: index + 1 }) : t("Mix"),
        h("input", { value: column.mix, placeholder: "sql=0.7, orders=0.3", spellcheck: "false",
          on: { input: (event) => { column.mix = event.target.value; store(); } } }),
        { hint: t("Names and weights from −8 to 8.") })));
    extras.hidden = !extras.childElementCount;
  }

  // Columns

  const nameOf = (column) => (column.target === mixed ? column.mix || t("Mix") : column.target || names[0]);

  function showColumns() {
    showExtras();
    views.length = 0;
    replace(columns, state.columns.map((column) => {
      const view = conversationView(column.root, nameOf(column), {
        onChange: store,
        onEdit: (turn, text) => ask([column], text, turn),
        onRetry: (turn) => respond(column, turn),
        onError: (error) => replace(problem, alert(error)),
        onResult: (results) => ask([column], results),
      });
      views.push([column, view]);
      return h("section", { class: "column", "aria-label": nameOf(column) },
        state.columns.length > 1 && h("h2", {}, nameOf(column)), view.element);
    }));
  }

  const viewOf = (column) => views.find(([each]) => each === column)?.[1];

  // Asking

  const message = h("textarea", {
    rows: 3, value: state.draft, placeholder: t("Ask something …"),
    on: {
      input: () => { state.draft = message.value; store(); },
      keydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        sendDraft();
      },
    },
  });
  const send = h("button", { class: "main" }, t("Send"));
  const stop = button(t("Stop"), () => running.forEach((run) => run.abort()), { hidden: true });
  const clear = button(t("New conversation"), () => {
    running.forEach((run) => run.abort());
    for (const column of state.columns) column.root = newColumn().root;
    store();
    showColumns();
    message.focus();
  }, { class: "plain" });

  function sendDraft() {
    const text = message.value.trim();
    if (!text || running.size) return;
    message.value = state.draft = "";
    ask(state.columns, text);
  }

  /// Adds a question, or results of tools, to columns and has it answered. `instead` is the turn beside which it goes.
  function ask(targets, content, instead) {
    const turns = Array.isArray(content) ? content : [{ role: "user", content }];
    for (const column of targets) {
      let parent = instead ? parentOf(column.root, instead) : path(column.root).at(-1) ?? column.root;
      for (const turn of turns) {
        parent.chosen = parent.children.push({ ...turn, children: [], chosen: 0 }) - 1;
        parent = parent.children[parent.chosen];
      }
      respond(column);
    }
  }

  /// Answers the last question of a column, or the one that `instead` answers, once more.
  async function respond(column, instead) {
    const parent = instead ? parentOf(column.root, instead) : path(column.root).at(-1);
    const turns = path(column.root);
    const asked = turns.slice(0, turns.indexOf(parent) + 1);
    const turn = { role: "assistant", content: "", isRunning: true, children: [], chosen: 0 };
    parent.chosen = parent.children.push(turn) - 1;
    viewOf(column)?.show();
    const run = new AbortController();
    running.add(run);
    showRunning();
    replace(problem);
    try {
      await loading;
      turn.by = nameOf(column);
      await answer(turn, request(column, asked), run.signal, () => viewOf(column)?.update(turn));
    } catch (error) {
      if (error.name !== "AbortError") turn.error = error.message;
      else turn.stopped = true;
    }
    delete turn.isRunning;
    running.delete(run);
    showRunning();
    store();
    viewOf(column)?.show();
  }

  function showRunning() {
    stop.hidden = !running.size;
    send.disabled = running.size > 0;
  }

  function request(column, asked) {
    const messages = asked.map(wireMessage);
    if (state.system.trim()) messages.unshift({ role: "system", content: state.system });
    const body = { model: column.target || names[0], messages, stream: true, stream_options: { include_usage: true } };
    if (column.target === mixed) {
      body.model = names[0];
      body.lora = mix(column.mix);
    }
    const set = (name, text) => { if (text !== "") body[name] = Number(text); };
    set("temperature", state.temperature);
    set("max_tokens", state.maxTokens);
    set("top_p", state.topP);
    set("seed", state.seed);
    if (state.keeps) Object.assign(body, { store: true, metadata: { source: "console" } });
    if (state.stop) body.stop = [state.stop];
    if (state.logprobs) Object.assign(body, { logprobs: true, top_logprobs: 5 });
    const schema = json(state.schema, t("JSON Schema of the answer"));
    if (schema) body.response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
    const tools = json(state.tools, t("Tools"));
    if (tools) Object.assign(body, { tools, tool_choice: state.toolChoice });
    return body;
  }

  showColumns();
  replace(root, h("h1", { class: "hidden" }, t("Chat")), settings, columns,
    h("form", { class: "composer card", on: { submit: (event) => { event.preventDefault(); sendDraft(); } } },
      problem, field(t("Message"), message, { wide: true }),
      h("div", { class: "actions" }, send, stop, clear,
        h("small", { class: "quiet" }, t("Enter sends, Shift and Enter begins a line.")))));
  const loading = loadModels(true).then((models) => {
    names = models.map((each) => each.id);
    showColumns();
  });
  loading.catch((error) => replace(problem, alert(error)));
  return () => running.forEach((run) => run.abort());
}

function mix(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const [name, scale] = part.split("=").map((each) => each.trim());
    return { name, scale: scale === undefined || scale === "" ? 1 : Number(scale) };
  });
}

function json(text, name) {
  if (!text.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(t("'{name}' is not JSON: {reason}", { name, reason: error.message }));
  }
}
