// Tune: data, a base and hyperparameters become a job, after a look at what it would do.

import { get, list, loadModels, post } from "./api.js";
import { alert, button, field, h, kept, replace, save, select, setOptions, status } from "./dom.js";
import { hyperparameterForm } from "./form.js";
import { jobList, rememberPlan } from "./jobs.js";
import { bytes, duration, number, t, time } from "./strings.js";
import { readYAML, writeYAML } from "./yaml.js";

/// Files up to this size are planned for at each change, larger ones when asked to.
const smallFile = 4_000_000;

const presets = [
  { name: "Defaults", values: {} },
  { name: "A quick try", values: { max_steps: 20, learning_rate: 0.001 } },
  { name: "Demo model", values: { n_epochs: 4, batch_size: 8, learning_rate: 0.003 } },
  { name: "Careful, for little data", values: { n_epochs: 5, learning_rate: 0.00005, lora_rank: 16, lora_dropout: 0.05 } },
  { name: "LLaMA-Factory's defaults", values: "llama_factory" },
];

export function mount(root) {
  const page = h("div", { class: "stack" });
  replace(root, h("h1", {}, t("Tune")), page);
  let jobs;
  let isOver = false;
  Promise.all([get("/v1/fine_tuning/hyperparameters"), list("/v1/files?purpose=fine-tune"), loadModels(true)])
    .then(([table, files, models]) => {
      if (isOver) return;
      jobs = jobList();
      replace(page, newJob(table, files, models, jobs), jobs.element);
    }, (error) => replace(page, alert(error)));
  return () => {
    isOver = true;
    jobs?.stop();
  };
}

function newJob(table, files, models, jobs) {
  const rows = table.data;
  const draft = kept.read("tune", { values: {} });
  const plan = h("div", { class: "plan" });
  const note = h("div", {});
  let planned;

  const changed = () => {
    Object.assign(draft, { model: model.value, data: data.value, validation: validation.value, suffix: suffix.value,
      method: method.value, values: form.values(), grader: grader.value });
    kept.write("tune", draft);
    const file = files.find((each) => each.id === data.value);
    if (file && file.bytes <= smallFile) showPlan();
  };

  const names = files.map((file) => [file.id, `${file.filename} (${bytes(file.bytes)}, ${time(file.created_at)})`]);
  const inList = (value) => (files.some((file) => file.id === value) ? value : undefined);
  const model = select(models.map((each) => each.id), draft.model, changed);
  const data = select([["", t("Choose …")], ...names], inList(draft.data) ?? "", changed);
  const validation = select([["", t("none")], ...names], inList(draft.validation) ?? "", changed);
  const method = select(table.methods.map((each) => [each, t(each)]), draft.method, () => {
    showMethod();
    changed();
  });
  const grader = h("textarea", { rows: 8, spellcheck: "false", on: { change: changed } });
  grader.value = draft.grader ?? exampleGrader;
  const graderField = field(t("Grader"), grader, { wide: true, hint: t("What gives answers their rewards, as JSON.") });
  const showMethod = () => {
    form.showMethod(method.value);
    graderField.hidden = method.value !== "reinforcement";
  };
  const suffix = h("input", { value: draft.suffix ?? "", spellcheck: "false", autocomplete: "off", on: { change: changed } });
  const form = hyperparameterForm(rows, changed);
  const preset = select([["", t("none")], ...presets.map((each) => [each.name, t(each.name)])], "", (name) => {
    const chosen = presets.find((each) => each.name === name);
    if (!chosen) return;
    form.set(chosen.values === "llama_factory" ? factoryDefaults(rows) : chosen.values);
    changed();
  });
  form.set(draft.values);
  showMethod();

  function body() {
    const own = { hyperparameters: form.values() };
    if (method.value === "reinforcement") own.grader = readGrader(grader.value);
    return {
      model: model.value, training_file: data.value, validation_file: validation.value || undefined,
      suffix: suffix.value.trim() || undefined, method: { type: method.value, [method.value]: own },
    };
  }

  // A plan

  let turn = 0;

  async function showPlan() {
    const mine = ++turn;
    planned = undefined;
    replace(plan, h("p", { class: "quiet" }, t("Looking at the data …")));
    try {
      const found = await post("/v1/fine_tuning/plan", body());
      if (mine !== turn) return undefined;
      form.mark();
      planned = found;
      replace(plan, planView(found));
      return found;
    } catch (error) {
      if (mine === turn) refuse(error, plan);
      return undefined;
    }
  }

  function refuse(error, place) {
    form.mark(error.param);
    replace(place, alert(error));
  }

  async function start(event) {
    event.preventDefault();
    replace(note);
    if (!data.value) return replace(note, alert(t("Choose a data set first; the page Data takes files.")));
    startButton.disabled = true;
    try {
      const job = await post("/v1/fine_tuning/jobs", body());
      if (planned) rememberPlan(job.id, planned);
      replace(note, status(t("The job {id} is made.", { id: job.id })));
      jobs.show(job);
      jobs.element.scrollIntoView({ block: "nearest" });
    } catch (error) {
      refuse(error, note);
    }
    startButton.disabled = false;
  }

  // LLaMA-Factory's files

  const yaml = h("textarea", { rows: 8, spellcheck: "false", readonly: true });
  const yamlFold = h("details", { hidden: true }, h("summary", {}, t("The file")), field("YAML", yaml, { wide: true }));

  async function saveYAML() {
    // Resolved values, since silence means something else to LLaMA-Factory.
    const found = planned ?? (data.value ? await showPlan() : undefined);
    const file = files.find((each) => each.id === data.value);
    yaml.value = writeYAML(rows, found?.hyperparameters ?? form.values(), {
      model_name_or_path: model.value, stage: found?.stage ?? "sft", do_train: true, finetuning_type: "lora",
      dataset: file?.filename ?? "train.jsonl", output_dir: `saves/${suffix.value || "run"}`,
    });
    yamlFold.hidden = false;
    save(yaml.value, `${suffix.value || "run"}.yaml`, "text/yaml");
  }

  const picker = h("input", { type: "file", accept: ".yaml,.yml", on: { change: loadYAML } });

  async function loadYAML() {
    if (!picker.files[0]) return;
    const { values, others, stage } = readYAML(rows, await picker.files[0].text());
    picker.value = "";
    const named = stage === "rm" ? "reward" : stage;
    method.value = table.methods.includes(named) ? named : table.methods[0];
    showMethod();
    form.set(values);
    replace(note, status(t("{count} hyperparameters are read.", { count: Object.keys(values).length })
      + (others.length ? ` ${t("Not of this form: {keys}", { keys: others.join(", ") })}` : "")));
    changed();
  }

  const startButton = h("button", { class: "main" }, t("Start"));
  if (data.value) changed();
  return h("form", { class: "card", on: { submit: start } }, h("h2", {}, t("A new job")),
    h("div", { class: "fields" },
      field(t("Model"), model, { hint: t("The base, or an expert to go on from.") }),
      field(t("Data set"), data), field(t("Validation set"), validation),
      field(t("Suffix"), suffix, { hint: t("A word in the new model's name.") }),
      field(t("Method"), method), field(t("Preset"), preset)),
    graderField, form.element, plan, note,
    h("div", { class: "actions" }, startButton, button(t("Plan"), showPlan), button(t("Save YAML"), saveYAML)),
    field(t("Load YAML"), picker, { hint: t("A file of LLaMA-Factory's.") }), yamlFold);
}

/// What stands in the field before anybody writes: right is what is the example's `answer` to the letter.
const exampleGrader = JSON.stringify({
  type: "string_check", name: "exact", input: "{{sample.output_text}}", reference: "{{item.answer}}", operation: "eq",
}, undefined, 2);

function readGrader(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(t("The grader is no JSON: {reason}", { reason: error.message }));
  }
}

function factoryDefaults(rows) {
  const values = { batch_size: 8 };
  for (const { name, llama_factory: factory } of rows) {
    if (factory && factory.default !== null) values[name] = factory.default === "all" ? "all-linear" : factory.default;
  }
  return values;
}

function planView(plan) {
  const pace = kept.read("pace", undefined, localStorage);
  const all = plan.tokens * (plan.total_steps / Math.max(1, plan.steps_per_epoch));
  const facts = [
    [t("Examples"), number(plan.examples)], [t("Tokens per epoch"), number(plan.tokens)],
    [t("Learned tokens per epoch"), number(plan.trained_tokens)],
    [t("Steps"), t("{total}, {epoch} per epoch, {warmup} to warm up",
      { total: number(plan.total_steps), epoch: number(plan.steps_per_epoch), warmup: number(plan.warmup_steps) })],
    [t("Memory"), t("{all} with the model", { all: bytes(plan.memory_bytes) })],
    [t("Time"), pace ? t("about {time}, at the pace of the last job", { time: duration(all / pace) })
      : t("not known before a first job has run")],
  ];
  return h("section", { "aria-label": t("Plan") }, h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    plan.notes.map((each) => h("p", { class: "alert", role: "status" }, each.note)));
}
