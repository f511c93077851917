// LLaMA-Factory's files, as far as a form needs them: one flat mapping.

/// Our hyperparameters under LLaMA-Factory's keys, for `facet train` and `llamafactory-cli train`.
export function writeYAML(rows, values, head) {
  const lines = { ...head };
  for (const { name, llama_factory: factory } of rows) {
    const value = values[name];
    if (value === undefined || value === null || special.has(name)) continue;
    // Measuring at checkpoints is what silence means there too.
    if (name.startsWith("eval_") && (values.eval_strategy ?? "save") === "save") continue;
    lines[factory?.key ?? name] = value;
  }
  const steps = values.gradient_accumulation_steps ?? 1;
  if (values.batch_size) {
    lines.per_device_train_batch_size = Math.max(1, Math.round(values.batch_size / steps));
    lines.gradient_accumulation_steps = steps;
  }
  return `${Object.entries(lines).map(([key, value]) => `${key}: ${print(value)}`).join("\n")}\n`;
}

/// What has no key there, or several.
const special = new Set(["batch_size", "gradient_accumulation_steps", "learning_rate_multiplier", "prompt_loss_weight", "train_on_prompt"]);

function print(value) {
  if (Array.isArray(value)) return value.join(",");
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, each]) => `${key}: ${each}`).join(", ")}}`;
  }
  // A number such as 5e-05 is a text to YAML 1.1 unless it has a point.
  if (typeof value === "number") return /^-?\d+e/.test(String(value)) ? String(value).replace("e", ".0e") : String(value);
  return /^[\w./@:-]*$/.test(value) ? String(value) : JSON.stringify(value);
}

/// The hyperparameters of a file, its stage, and the keys that are none of this form's.
export function readYAML(rows, text) {
  const keys = mapping(text);
  const values = {};
  const known = new Map(rows.map((row) => [row.llama_factory?.key ?? row.name, row]));
  const others = [];
  const { stage } = keys;
  delete keys.stage;
  for (const [key, value] of Object.entries(keys)) {
    if (key === "per_device_train_batch_size" || key === "gradient_accumulation_steps") continue;
    const row = known.get(key);
    if (!row) others.push(key);
    else values[row.name] = row.type === "array" && typeof value === "string" && value.includes(",") ? value.split(/\s*,\s*/) : value;
  }
  const perDevice = keys.per_device_train_batch_size;
  const steps = keys.gradient_accumulation_steps;
  if (perDevice ?? steps) {
    values.batch_size = (perDevice ?? 8) * (steps ?? 1);
    if (steps > 1) values.gradient_accumulation_steps = steps;
  }
  return { values, others, stage };
}

/// The members of a mapping whose values are scalars, lists, or mappings in braces.
function mapping(text) {
  const keys = {};
  let last;
  for (const line of text.split(/\r?\n/)) {
    const bare = line.replace(/(^|\s)#.*$/, "").trimEnd();
    const item = bare.match(/^\s*-\s+(.*)$/);
    const pair = bare.match(/^([\w.]+):\s*(.*)$/);
    if (item && last) keys[last] = [...(Array.isArray(keys[last]) ? keys[last] : []), scalar(item[1])];
    else if (pair) keys[last = pair[1]] = value(pair[2]);
  }
  return keys;
}

function value(text) {
  if (/^\[.*\]$/.test(text)) return text.slice(1, -1).split(",").map((each) => scalar(each.trim()));
  if (/^\{.*\}$/.test(text)) {
    return Object.fromEntries(text.slice(1, -1).split(",").filter((each) => each.includes(":"))
      .map((each) => each.split(":").map((part) => part.trim())).map(([key, each]) => [scalar(key), scalar(each)]));
  }
  return scalar(text);
}

function scalar(text) {
  if (/^(null|~|)$/i.test(text)) return null;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (/^"(.*)"$|^'(.*)'$/.test(text)) return text.slice(1, -1);
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
