// A form of the server's one table of hyperparameters: a new row appears here by itself.

import { field, h, select } from "./dom.js";
import { t } from "./strings.js";

/// The usual words. What is not here is called by its name.
const words = {
  n_epochs: "Epochs", batch_size: "Batch size", learning_rate: "Learning rate", learning_rate_multiplier: "Learning rate multiplier",
  max_steps: "Max steps", lora_rank: "LoRA rank", lora_alpha: "LoRA alpha", lora_dropout: "LoRA dropout",
  lora_target_modules: "LoRA target modules", use_rslora: "Use rsLoRA", use_dora: "Use DoRA", loraplus_lr_ratio: "LoRA+ learning rate ratio",
  neftune_noise_alpha: "NEFTune noise alpha", lr_scheduler_type: "Learning rate scheduler", lr_scheduler_kwargs: "Scheduler arguments",
  warmup_ratio: "Warmup ratio", warmup_steps: "Warmup steps", weight_decay: "Weight decay", adam_beta1: "Adam beta1", adam_beta2: "Adam beta2",
  adam_epsilon: "Adam epsilon", max_grad_norm: "Max gradient norm", gradient_accumulation_steps: "Gradient accumulation steps",
  cutoff_len: "Cutoff length", packing: "Packing", save_steps: "Save steps", save_total_limit: "Save total limit",
  eval_strategy: "Evaluation strategy", eval_steps: "Evaluation steps", early_stopping_steps: "Early stopping steps",
  load_best_model_at_end: "Load best model at end", metric_for_best_model: "Metric for best model", seed: "Seed",
  beta: "Beta", loss: "Loss", label_smoothing: "Label smoothing", simpo_gamma: "SimPO gamma", ftx: "SFT loss weight",
  ld_alpha: "LD-DPO alpha", bco_weight: "BCO weight", desirable_weight: "Desirable weight", undesirable_weight: "Undesirable weight",
  group_size: "Group size", max_completion_tokens: "Max completion tokens", temperature: "Sampling temperature", epsilon: "Clip below",
  epsilon_high: "Clip above", updates_per_batch: "Updates per batch",
  train_on_prompt: "Train on prompt", prompt_loss_weight: "Prompt loss weight", mask_history: "Mask history",
};

/// Which rows stand together, in the order of use.
const groups = [
  ["Training", ["n_epochs", "batch_size", "learning_rate", "max_steps", "lr_scheduler_type", "warmup_ratio", "seed"]],
  ["Preferences", ["beta", "loss", "label_smoothing", "simpo_gamma", "ftx", "ld_alpha", "bco_weight", "desirable_weight", "undesirable_weight"]],
  ["Answers", ["group_size", "max_completion_tokens", "temperature", "epsilon", "epsilon_high", "updates_per_batch"]],
  ["Adapter", ["lora_rank", "lora_alpha", "lora_dropout", "lora_target_modules", "use_rslora", "use_dora", "loraplus_lr_ratio", "neftune_noise_alpha"]],
  ["Data", ["cutoff_len", "packing", "train_on_prompt", "prompt_loss_weight", "mask_history"]],
  ["Checkpoints and evaluation", ["save_steps", "save_total_limit", "eval_strategy", "eval_steps", "early_stopping_steps", "load_best_model_at_end", "metric_for_best_model"]],
];

export function label(name) {
  const plain = name.replaceAll("_", " ");
  return t(words[name] ?? plain[0].toUpperCase() + plain.slice(1));
}

/// The form. `values()` are the hyperparameters that were filled in, `set(values)` fills them in.
export function hyperparameterForm(rows, onChange) {
  const controls = new Map(rows.map((row) => [row.name, control(row)]));
  const fieldsets = [];
  const fieldset = (title, members) => {
    if (!members.length) return undefined;
    const set = h("fieldset", {}, h("legend", {}, t(title)), h("div", { class: "fields" }, members.map(({ name }) => controls.get(name).element)));
    fieldsets.push([set, members]);
    return set;
  };
  const known = new Set(groups.flatMap(([, names]) => names));
  const element = h("div", { on: { change: onChange } },
    groups.map(([title, names]) => fieldset(title, names.flatMap((name) => rows.filter((row) => row.name === name)))),
    fieldset("Optimizer and more", rows.filter((row) => !known.has(row.name))));
  return {
    element,
    values() {
      const values = {};
      for (const [name, { read }] of controls) {
        const value = read();
        if (value !== undefined && !controls.get(name).element.hidden) values[name] = value;
      }
      return values;
    },
    set(values) {
      for (const [name, { write }] of controls) write(values[name]);
    },
    /// Shows the rows of a method, where rows say which they belong to.
    showMethod(method) {
      for (const row of rows) controls.get(row.name).element.hidden = row.methods ? !row.methods.includes(method) : false;
      for (const [set, members] of fieldsets) set.hidden = members.every(({ name }) => controls.get(name).element.hidden);
    },
    /// Marks the field that an error is about; none for no error.
    mark(param) {
      const name = param?.split(".").at(-1);
      for (const [each, { input }] of controls) {
        if (each === name) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    },
  };
}

function control(row) {
  const hint = `${t(row.help)}. ${t("Default: {value}", { value: t(row.default_text) })}`.replaceAll("`", "");
  if (row.type === "boolean") {
    const input = h("input", { type: "checkbox" });
    return {
      input, element: field(label(row.name), input, { hint, inline: true }),
      read: () => (input.checked === (row.default === true) ? undefined : input.checked),
      write: (value) => (input.checked = value ?? row.default === true),
    };
  }
  const input = row.enum
    ? select([["", t("default")], ...row.enum], "")
    : h("input", { inputmode: row.type === "array" || row.type === "object" ? "text" : "decimal", autocomplete: "off", spellcheck: "false" });
  return {
    input, element: field(label(row.name), input, { hint }),
    read: () => parse(row, input.value.trim()),
    write: (value) => (input.value = value === undefined || value === null ? "" : print(value)),
  };
}

/// What stands in a field, as the API takes it; what is no such value goes as it is, and the server says what is wrong.
function parse(row, text) {
  if (text === "") return undefined;
  if (row.type === "array") return text.includes(",") ? text.split(",").map((each) => each.trim()).filter(Boolean) : text;
  if (row.type === "object") {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if (row.enum) return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function print(value) {
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
