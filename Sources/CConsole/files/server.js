// Server: what it does just now, who may use it, and how clients are set up.

import { can, get, list, loadModels, post, remove, session, text } from "./api.js";
import { lineChart } from "./charts.js";
import { alert, button, every, field, h, replace, status, table } from "./dom.js";
import { bytes, number, percent, t, time } from "./strings.js";

const interval = 2000;
/// Measurements that are kept: ten minutes.
const most = 300;

export function mount(root) {
  const facts = h("section", { class: "card" });
  const live = h("section", { class: "card" });
  const stops = [];
  replace(root, h("h1", {}, t("Server")), facts, live,
    can("admin") && session.keys_required && keysView(), clientsView());
  get("/version").then((version) => replace(facts, h("h2", {}, t("What is served")), pairs([
    [t("Model"), version.model], [t("Context"), t("{count} tokens", { count: number(version.max_model_len) })],
    [t("Version"), version.version], [t("Weights"), version.base_hash.slice(0, 16)],
    session.signed_in && [t("Tenant"), session.tenant], [t("Rights"), session.rights.join(", ")],
  ])), (error) => replace(facts, alert(error)));
  if (can("admin")) stops.push(watch(live));
  else replace(live, h("p", {}, t("Only a key with the right 'admin' sees what the server does.")));
  return () => stops.forEach((stop) => stop());
}

const pairs = (all) => h("dl", {}, all.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

// What the metrics say

/// Prometheus' text as a function: the sum of a name's samples whose labels have the given values.
function read(page) {
  const samples = page.split("\n").map((line) => line.match(/^([\w:]+)(?:\{(.*)\})? ([^ ]+)/)).filter(Boolean)
    .map(([, name, labels = "", value]) => ({
      name, value: Number(value),
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, each]) => [key, each])),
    }));
  const all = (name, wanted = {}) => samples.filter((each) => each.name === name
    && Object.entries(wanted).every(([key, value]) => each.labels[key] === value));
  const sum = (name, wanted) => all(name, wanted).reduce((total, each) => total + each.value, 0);
  return { all, sum };
}

function watch(place) {
  const history = [];
  return every(interval, async () => {
    try {
      const now = { at: Date.now() / 1000, ...read(await text("/metrics")) };
      const before = history.at(-1);
      const pace = (name, labels) => (before ? Math.max(0, now.sum(name, labels) - before.sum(name, labels)) / (now.at - before.at) : 0);
      now.out = pace("vllm:generation_tokens_total");
      now.in = pace("vllm:prompt_tokens_total");
      history.push(now);
      if (history.length > most) history.shift();
      replace(place, liveView(now, history));
    } catch (error) {
      replace(place, alert(error));
    }
  });
}

function liveView(now, history) {
  const mean = (name) => now.sum(`${name}_sum`) / Math.max(1, now.sum(`${name}_count`));
  const seconds = (value) => (value < 1 ? `${number(1000 * value, 1)} ms` : `${number(value, 1)} s`);
  const since = (get) => history.map((each) => [Math.round(each.at - now.at), get(each)]);
  const tenants = [...new Set(now.all("facet_adapter_tokens_total").map((each) => each.labels.tenant))];
  const hits = now.sum("vllm:prefix_cache_hits_total") / Math.max(1, now.sum("vllm:prefix_cache_queries_total"));
  return [h("h2", {}, t("Just now")),
    pairs([
      [t("Requests"), t("{running} running, {waiting} waiting", { running: now.sum("vllm:num_requests_running"), waiting: now.sum("vllm:num_requests_waiting") })],
      [t("Tokens per second"), t("{out} written, {in} read", { out: number(now.out, 1), in: number(now.in, 1) })],
      [t("First token after"), seconds(mean("vllm:time_to_first_token_seconds"))],
      [t("Time per token"), seconds(mean("vllm:time_per_output_token_seconds"))],
      [t("Time in the queue"), seconds(mean("vllm:request_queue_time_seconds"))],
      [t("Context cache in use"), percent(now.sum("vllm:kv_cache_usage_perc"))],
      [t("Prompts from the cache"), percent(hits)],
      [t("Fine-tuning jobs"), now.all("facet_finetune_jobs").filter((each) => each.value).map((each) => `${each.value} ${t(each.labels.status)}`).join(", ") || "0"],
    ]),
    h("div", { class: "charts" },
      lineChart(t("Tokens per second"), [{ name: t("written"), points: since((each) => each.out) }, { name: t("read"), points: since((each) => each.in) }]),
      lineChart(t("Requests"), [{ name: t("running"), points: since((each) => each.sum("vllm:num_requests_running")) },
        { name: t("waiting"), points: since((each) => each.sum("vllm:num_requests_waiting")) }])),
    h("h3", {}, t("Memory")),
    pairs([
      [t("The whole process"), bytes(now.sum("process_resident_memory_bytes"))],
      [t("Experts"), t("{used} of {budget}", { used: bytes(now.sum("facet_adapter_memory_bytes", { kind: "used" })), budget: bytes(now.sum("facet_adapter_memory_bytes", { kind: "budget" })) })],
      ...now.all("facet_memory_bytes").map((each) => [Object.values(each.labels).join(" "), bytes(each.value)]),
    ]),
    tenants.length > 0 && table(t("By tenant, since the start"), [t("Tenant"), t("Requests"), t("Tokens")], tenants.map((tenant) => [
      tenant, number(now.sum("facet_adapter_requests_total", { tenant })), number(now.sum("facet_adapter_tokens_total", { tenant })),
    ]))];
}

// Keys

function keysView() {
  const note = h("div", {});
  const all = h("div", {});
  const tenant = h("input", { required: true, autocomplete: "off", spellcheck: "false" });
  const rights = ["infer", "train", "admin"].map((right) => [right, h("input", { type: "checkbox", checked: right !== "admin" })]);
  const limits = [["requests_per_minute", t("Requests per minute")], ["tokens_per_minute", t("Tokens per minute")],
    ["parallel_requests", t("Requests at a time")], ["stored_bytes", t("Stored bytes")]]
    .map(([name, label]) => [name, label, h("input", { type: "number", min: 1, placeholder: t("no limit") })]);

  async function load() {
    const keys = await list("/v1/keys");
    replace(all, table(t("Keys, oldest first"), [t("Key"), t("Tenant"), t("Rights"), t("Limits"), t("Made"), t("Actions")], keys.map((key) => [
      h("code", {}, key.id), key.tenant, key.rights.join(", "),
      Object.entries(key.limits).map(([name, value]) => `${name} ${number(value)}`).join(", ") || t("no limit"), time(key.created),
      button(t("Revoke"), () => confirm(t("Revoke the key of '{tenant}'? Whoever uses it is refused within seconds.", { tenant: key.tenant }))
        && attempt(async () => remove(`/v1/keys/${key.id}`)), { class: "plain", "aria-label": t("Revoke {key}", { key: key.id }) }),
    ])));
  }

  async function attempt(work) {
    try {
      replace(note, await work());
      await load();
    } catch (error) {
      replace(note, alert(error));
    }
  }

  const make = (event) => {
    event.preventDefault();
    attempt(async () => {
      const made = await post("/v1/keys", {
        tenant: tenant.value.trim(), rights: rights.filter(([, box]) => box.checked).map(([right]) => right),
        limits: Object.fromEntries(limits.filter(([, , input]) => input.value).map(([name, , input]) => [name, Number(input.value)])),
      });
      return h("div", {}, status(t("This is the key of '{tenant}'. It is shown this once.", { tenant: made.tenant })),
        h("pre", {}, h("code", {}, made.key)));
    });
  };
  attempt(async () => undefined);
  return h("form", { class: "card", on: { submit: make } }, h("h2", {}, t("Keys")), note, all, h("h3", {}, t("A new key")),
    h("div", { class: "fields" }, field(t("Tenant"), tenant), limits.map(([, label, input]) => field(label, input))),
    h("div", { class: "actions" }, rights.map(([right, box]) => field(t("Right '{right}'", { right }), box, { inline: true }))),
    h("div", { class: "actions" }, h("button", {}, t("Make the key"))));
}

// Clients

function clientsView() {
  const place = h("div", { class: "stack" });
  const show = (model) => {
    const url = `${location.origin}/v1`;
    const key = session.keys_required ? "sk-facet-…" : "none";
    const settings = [
      ["curl", `curl ${url}/chat/completions -H 'Content-Type: application/json'${session.keys_required ? ` -H 'Authorization: Bearer ${key}'` : ""} -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`],
      ["Python (openai)", `from openai import OpenAI\nclient = OpenAI(base_url="${url}", api_key="${key}")\nprint(client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": "Hello"}]).choices[0].message.content)`],
      [t("Environment of OpenAI's clients"), `export OPENAI_BASE_URL=${url}\nexport OPENAI_API_KEY=${key}`],
      [t("Environment of Anthropic's clients"), `export ANTHROPIC_BASE_URL=${location.origin}\nexport ANTHROPIC_API_KEY=${key}`],
    ];
    replace(place, settings.map(([name, code]) => h("div", {}, h("h3", {}, name), h("pre", { tabindex: "0", role: "region", "aria-label": name }, h("code", {}, code)))));
  };
  loadModels().then((models) => show(models[0].id), () => show("MODEL"));
  return h("section", { class: "card" }, h("h2", {}, t("Settings for clients")), place);
}
