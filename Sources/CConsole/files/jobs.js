// The fine-tuning jobs: how far they are, their curves over each other, their checkpoints and logs.

import { blob, get, list, post } from "./api.js";
import { lineChart, smoothed } from "./charts.js";
import { talkTo } from "./chat.js";
import { alert, button, every, h, kept, replace, save } from "./dom.js";
import { duration, precise, t, time } from "./strings.js";

const isLive = (job) => ["validating_files", "queued", "running", "paused"].includes(job.status);

/// Remembers how many tokens a job reads, so that the next plan knows the pace.
export function rememberPlan(id, plan) {
  const tokens = plan.tokens * (plan.total_steps / Math.max(1, plan.steps_per_epoch));
  kept.write("planned", { ...kept.read("planned", {}, localStorage), [id]: tokens }, localStorage);
}

/// All jobs, newest first, kept up to date until `stop()`.
export function jobList() {
  const views = new Map();
  const together = h("div", {});
  const cards = h("div", { class: "stack" });
  const problem = h("div", {});
  const element = h("section", { class: "card" }, h("h2", {}, t("Jobs")), problem, together, cards);

  function show(job) {
    if (!views.has(job.id)) {
      const view = jobView(job, views.size === 0 || isLive(job));
      views.set(job.id, view);
      const newer = [...cards.children].find((card) => Number(card.dataset.created) <= job.created_at);
      view.element.dataset.created = job.created_at;
      cards.insertBefore(view.element, newer ?? null);
    }
    views.get(job.id).update(job);
  }

  async function refresh() {
    try {
      const page = await get("/v1/fine_tuning/jobs?limit=50");
      page.data.reverse().forEach(show);
      await Promise.all([...views.values()].map((view) => view.refresh()));
      replace(problem, views.size ? undefined : h("p", {}, t("There are no jobs yet.")));
      showTogether();
    } catch (error) {
      replace(problem, alert(error));
    }
  }

  let drawn = "";

  function showTogether() {
    const open = [...views.values()].filter((view) => view.element.open && view.points("train_loss").length);
    const state = open.map((view) => `${view.name()}${view.points("train_loss").length}`).join();
    if (state === drawn) return;
    drawn = state;
    replace(together, open.length > 1 && lineChart(t("Loss of the jobs that are open"),
      open.map((view) => ({ name: view.name(), points: smoothed(view.points("train_loss")) }))));
  }

  return { element, show, stop: every(1000, refresh) };
}

function jobView(job, isOpen) {
  const events = new Map();
  let isComplete = false;
  const title = h("strong", {});
  const tag = h("span", { class: "tag" });
  const progress = h("span", { class: "progress" });
  const buttons = h("div", { class: "actions" });
  const note = h("div", {});
  const charts = h("div", { class: "charts" });
  const checkpoints = h("div", {});
  const log = h("pre", { tabindex: "0", role: "region", "aria-label": t("Log") });
  const facts = h("pre", { tabindex: "0", role: "region", "aria-label": t("Hyperparameters") });
  const element = h("details", { class: "job", open: isOpen, on: { toggle: () => element.open && refresh() } },
    h("summary", {}, title, " ", tag, " ", progress),
    h("div", { class: "stack" }, buttons, note, charts, checkpoints,
      h("details", {}, h("summary", {}, t("Log")), log),
      h("details", {}, h("summary", {}, t("Hyperparameters")), facts)));

  const name = () => job.user_provided_suffix ?? job.id;

  const act = (word) => async () => {
    replace(note);
    try {
      update(await post(`/v1/fine_tuning/jobs/${job.id}/${word}`));
    } catch (error) {
      replace(note, alert(error));
    }
  };

  let shown = "";

  function update(next) {
    if (next.status !== job.status) isComplete = false;
    job = next;
    // A step changes the job, too; what can be pressed stays as it is then.
    const state = JSON.stringify([next.status, next.fine_tuned_model, next.result_files, next.error, next.hyperparameters]);
    if (state === shown) return;
    shown = state;
    title.textContent = name();
    tag.textContent = t(job.status);
    replace(buttons,
      job.status === "running" && button(t("Pause"), act("pause")), job.status === "paused" && button(t("Resume"), act("resume")),
      isLive(job) && button(t("Cancel"), act("cancel")),
      job.fine_tuned_model && button(t("Talk to it"), () => talkTo(job.fine_tuned_model), { class: "main" }),
      job.fine_tuned_model && h("small", {}, job.fine_tuned_model),
      job.result_files.map((id) => button(t("Results as CSV"), () => download(id), { class: "plain" })));
    replace(note, job.error && alert(job.error));
    facts.textContent = JSON.stringify(job.hyperparameters, null, 1);
  }

  const download = async (id) => {
    try {
      save(await blob(`/v1/files/${id}/content`), `${name()}.csv`);
    } catch (error) {
      replace(note, alert(error));
    }
  };

  async function refresh() {
    if (!element.open || isComplete) return;
    const ends = !isLive(job);
    const fresh = await freshEvents();
    if (fresh) {
      showProgress();
      showCharts();
      const all = [...events.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      log.textContent = all.map((each) => `${new Date(each.created_at * 1000).toLocaleTimeString()}  ${each.message}`).join("\n");
      showCheckpoints(await list(`/v1/fine_tuning/jobs/${job.id}/checkpoints`, 200));
    }
    isComplete = ends;
    if (job.status === "succeeded") learnPace();
  }

  /// Reads the events that are not known yet, newest first; says whether there were any.
  async function freshEvents() {
    const size = events.size;
    for (let after = "", goesOn = true; goesOn;) {
      const page = await get(`/v1/fine_tuning/jobs/${job.id}/events?limit=${size ? 100 : 1000}${after}`);
      goesOn = page.has_more;
      for (const event of page.data) {
        if (events.has(event.id)) goesOn = false;
        else events.set(event.id, event);
      }
      after = `&after=${page.data.at(-1)?.id}`;
    }
    return events.size > size;
  }

  const steps = () => [...events.values()].filter((event) => event.type === "metrics" && event.data.step)
    .sort((a, b) => a.data.step - b.data.step);
  const points = (metric) => steps().filter((event) => Number.isFinite(event.data[metric]))
    .map((event) => [event.data.step, event.data[metric]]);

  function showProgress() {
    const last = steps().at(-1)?.data;
    if (!last) return;
    const left = job.status === "running" && job.estimated_finish ? job.estimated_finish - Date.now() / 1000 : 0;
    progress.textContent = `step ${last.step} / ${last.total_steps ?? "?"}, loss ${precise(last.train_loss)}`
      + (left > 0 ? `, ${t("{time} left", { time: duration(left) })}` : "");
  }

  function showCharts() {
    const names = new Set(steps().flatMap((event) => Object.keys(event.data)));
    const hasPoints = (name) => names.delete(name) && points(name).length > 0;
    for (const name of ["step", "total_steps"]) names.delete(name);
    const loss = points("train_loss");
    names.delete("train_loss");
    const lines = [{ name: t("loss"), points: loss, kind: "faint", color: 0 }, { name: t("smoothed"), points: smoothed(loss), color: 0 }];
    if (hasPoints("valid_loss")) lines.push({ name: t("validation"), points: points("valid_loss"), kind: "dashed", color: 1 });
    const all = [lineChart(t("Loss of {name}", { name: name() }), lines)];
    const accuracy = [{ name: t("training"), points: points("train_mean_token_accuracy") }];
    names.delete("train_mean_token_accuracy");
    if (hasPoints("valid_mean_token_accuracy")) accuracy.push({ name: t("validation"), points: points("valid_mean_token_accuracy"), kind: "dashed" });
    if (accuracy[0].points.length) all.push(lineChart(t("Token accuracy"), accuracy));
    for (const each of names) {
      const line = points(each);
      if (line.length) all.push(lineChart(t(each), [{ name: each, points: line }]));
    }
    replace(charts, loss.length > 0 && all);
  }

  function showCheckpoints(all) {
    const state = JSON.stringify(all.map((each) => each.id));
    if (state === checkpoints.dataset.state) return;
    checkpoints.dataset.state = state;
    replace(checkpoints, all.length > 0 && [h("h3", {}, t("Checkpoints, newest first")), h("div", { class: "actions" },
      all.map((each) => button(t("Talk to step {step}", { step: each.step_number }),
        () => talkTo(each.fine_tuned_model_checkpoint), { title: each.fine_tuned_model_checkpoint })))]);
  }

  function learnPace() {
    const tokens = kept.read("planned", {}, localStorage)[job.id];
    const first = steps()[0];
    const seconds = job.finished_at - (first?.created_at ?? job.finished_at);
    if (tokens && seconds > 0) kept.write("pace", tokens / seconds, localStorage);
  }

  title.title = time(job.created_at);
  return { element, update, refresh, name, points };
}
