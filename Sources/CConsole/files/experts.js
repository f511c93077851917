// Experts: generations and where they come from, traffic between them, and taking them elsewhere.

import { blob, forgetModels, get, post, remove } from "./api.js";
import { talkTo } from "./chat.js";
import { alert, button, field, h, replace, save, select, status, table } from "./dom.js";
import { bytes, number, percent, t, time } from "./strings.js";

const isCheckpoint = (name) => name.includes(":ckpt-step-");

export function mount(root) {
  const list = h("div", { class: "list" });
  const detail = h("div", { class: "stack" });
  const note = h("div", {});
  let adapters = [];
  let aliases = [];
  let chosen;

  async function load(message) {
    try {
      const found = await get("/v1/adapters");
      forgetModels();
      adapters = found.data;
      aliases = found.aliases;
      const names = [...new Set(adapters.map((each) => each.name))];
      const finished = adapters.filter((each) => !isCheckpoint(each.name));
      // The one that came last is the one somebody looks for.
      if (!names.includes(chosen)) chosen = finished.reduce((a, b) => (a && a.created >= b.created ? a : b), undefined)?.name;
      const entry = (name) => button(name, () => choose(name), { "aria-pressed": name === chosen ? "true" : "false" });
      const checkpoints = names.filter(isCheckpoint);
      replace(list, names.filter((name) => !isCheckpoint(name)).map(entry),
        checkpoints.length > 0 && h("details", { open: isCheckpoint(chosen ?? "") }, h("summary", {}, t("Checkpoints")), h("div", { class: "list" }, checkpoints.map(entry))),
        !names.length && h("p", {}, t("There are no experts yet. The page Tune makes them.")));
      replace(detail, chosen && expertView(chosen));
      replace(note, message && status(message));
    } catch (error) {
      replace(note, alert(error));
    }
  }

  function choose(name) {
    chosen = name;
    load();
  }

  const attempt = (work, message) => async (event) => {
    event?.preventDefault();
    try {
      await load((await work()) ?? message);
    } catch (error) {
      replace(note, alert(error));
    }
  };

  function expertView(name) {
    const generations = adapters.filter((each) => each.name === name)
      .sort((a, b) => Number(b.current) - Number(a.current) || b.created - a.created);
    return [
      h("section", { class: "card" }, h("h2", {}, name),
        h("div", { class: "actions" }, button(t("Talk to it"), () => talkTo(name)),
          button(t("Remove"), () => confirm(t("Remove '{name}' and all its generations?", { name }))
            && attempt(() => remove(`/v1/adapters/${encodeURIComponent(name)}`), t("'{name}' is removed.", { name }))(), { class: "plain" })),
        table(t("Generations, the current one first"),
          [t("Generation"), t("State"), t("Made"), t("Rank"), t("Size"), t("Where"), t("In use"), t("Comes from")],
          generations.map((each) => [
            h("code", { title: each.generation }, each.generation.slice(0, 12)),
            each.current ? t("current") : t("earlier"), time(each.created), `${each.rank}, α ${number(each.alpha, 2)}`,
            bytes(each.file_bytes), each.residency === "memory" ? t("in memory") : t("on disk"), String(each.leases), lineage(each.lineage),
          ]))),
      aliasForm(name, generations),
      exportForm(name, generations),
    ];
  }

  function lineage({ job, data_hash: data, seed, parent, step, source }) {
    const facts = [[t("job"), job], [t("step"), step], [t("data"), data?.slice(0, 12)], [t("seed"), seed],
      [t("parent"), parent?.slice(0, 12)], [t("file"), source]];
    return facts.filter(([, value]) => value !== undefined).map(([name, value]) => h("div", {}, `${name} ${value}`));
  }

  function aliasForm(name, generations) {
    const known = aliases.filter((each) => each.adapter === name);
    const alias = h("input", { value: known[0]?.alias ?? "", autocomplete: "off", spellcheck: "false", required: true });
    const shares = generations.map((each) => [each, h("input", {
      type: "number", min: 0, step: "any", value: known[0]?.weights[each.generation] ?? (each.current ? 1 : 0),
      "aria-label": t("Share of {generation}", { generation: each.generation }),
    })]);
    const sum = () => shares.reduce((total, [, input]) => total + Number(input.value), 0);
    const parts = h("p", { class: "quiet", "aria-live": "polite" });
    const showParts = () => replace(parts, sum() > 0
      ? shares.map(([each, input]) => `${each.generation.slice(0, 8)}: ${percent(Number(input.value) / sum())}`).join(", ")
      : t("All requests go to the current generation."));
    const store = attempt(async () => {
      const weights = {};
      for (const [each, input] of shares) if (Number(input.value) > 0) weights[each.generation] = Number(input.value);
      await post(`/v1/adapters/${encodeURIComponent(name)}/alias`, { alias: alias.value.trim(), weights });
      return t("The alias '{alias}' is saved.", { alias: alias.value.trim() });
    });
    const rollBack = attempt(async () => {
      await post(`/v1/adapters/${encodeURIComponent(name)}/alias`, { alias: alias.value.trim(), rollback: true });
      return t("The last change of '{alias}' is taken back.", { alias: alias.value.trim() });
    });
    showParts();
    return h("form", { class: "card", on: { submit: store, input: showParts } }, h("h2", {}, t("Traffic")),
      h("p", {}, t("An alias is a name that clients use. Its requests are split between generations by shares; a conversation stays with one.")),
      known.map((each) => h("p", {}, h("strong", {}, each.alias), ` ${shareText(each)}`)),
      h("div", { class: "fields" }, field(t("Alias"), alias),
        shares.map(([each, input]) => field(t("Share of {generation}", { generation: `${each.generation.slice(0, 8)}…` }), input))), parts,
      h("div", { class: "actions" }, h("button", { class: "main" }, t("Save alias")), button(t("Roll back"), rollBack)));
  }

  function shareText({ weights, version }) {
    const all = Object.entries(weights);
    const sum = all.reduce((total, [, share]) => total + share, 0);
    const text = all.map(([generation, share]) => `${generation.slice(0, 8)} ${percent(share / sum)}`).join(", ");
    return `${text || t("All requests go to the current generation.")} (${t("change {number}", { number: version })})`;
  }

  function exportForm(name, generations) {
    const format = select([["tar", t("PEFT (tar)")], ["gguf", t("GGUF for llama.cpp")]], "tar");
    const generation = select(generations.map((each) => [`${name}@${each.generation}`,
      `${each.generation.slice(0, 12)}${each.current ? ` (${t("current")})` : ""}`]));
    const run = attempt(async () => {
      save(await blob(`/v1/adapters/${encodeURIComponent(generation.value)}/content?format=${format.value}`), `${name}.${format.value}`);
      return t("'{name}' is saved as a file.", { name });
    });
    return h("section", { class: "card" }, h("h2", {}, t("Take it elsewhere")),
      h("div", { class: "fields" }, field(t("Format"), format), field(t("Which generation"), generation)),
      h("div", { class: "actions" }, button(t("Export"), run)));
  }

  replace(root, h("h1", {}, t("Experts")), note, h("div", { class: "two" },
    h("nav", { class: "card", "aria-label": t("All experts") }, list), detail));
  load();
}
