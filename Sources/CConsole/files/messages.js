// What was said in one column of the chat, and what can be done with each turn.

import { post } from "./api.js";
import { button, field, h, replace } from "./dom.js";
import { number, t } from "./strings.js";
import { parentOf, path } from "./turns.js";

/// A conversation. `show()` draws it anew, `update(turn)` only what a running answer has added.
export function conversationView(root, name, actions) {
  const element = h("div", { class: "log", role: "log", "aria-label": t("Conversation with {name}", { name }), tabindex: "0" });
  let views = new Map();

  function show() {
    const end = isAtEnd();
    views = new Map(path(root).map((turn) => [turn, turnView(turn)]));
    replace(element, [...views.values()].map((view) => view.element));
    if (end) element.scrollTop = element.scrollHeight;
  }

  function update(turn) {
    const end = isAtEnd();
    views.get(turn)?.update();
    if (end) element.scrollTop = element.scrollHeight;
  }

  const isAtEnd = () => element.scrollHeight - element.scrollTop - element.clientHeight < 40;

  function turnView(turn) {
    const body = h("div", { class: "body" });
    const thoughts = h("div", { class: "text" });
    const fold = h("details", { class: "thoughts", hidden: true }, h("summary", {}, t("Thoughts")), thoughts);
    const update = () => {
      fold.hidden = !turn.thoughts;
      thoughts.textContent = turn.thoughts ?? "";
      replace(body, texts(turn.content));
      if (turn.calls) body.append(...turn.calls.map(callView));
    };
    update();
    const isUser = turn.role === "user";
    const who = isUser ? t("You") : turn.role === "tool" ? t("Tool") : turn.by ?? t("Assistant");
    return {
      update,
      element: h("article", { class: `turn ${turn.role}`, "aria-label": who, "aria-busy": turn.isRunning ? "true" : undefined },
        h("h3", {}, who), fold, body,
        turn.tokens?.length && !turn.isRunning && tokensView(turn.tokens),
        turn.error && h("p", { class: "alert", role: "alert" }, turn.error),
        turn.stopped && h("p", { class: "quiet" }, t("Stopped.")),
        turn.finish === "length" && h("p", { class: "quiet" }, t("Cut off at the most tokens.")),
        !turn.isRunning && foot(turn, isUser)),
    };
  }

  function foot(turn, isUser) {
    const place = h("div", {});
    const isAnswer = turn.role === "assistant";
    return h("div", { class: "foot" },
      h("div", { class: "actions" }, siblings(turn),
        isUser && button(t("Edit"), () => edit(place, turn), { class: "plain" }),
        isAnswer && button(t("Retry"), () => actions.onRetry(turn), { class: "plain" }),
        isAnswer && turn.content && [
          button(t("Copy"), () => navigator.clipboard?.writeText(turn.content), { class: "plain" }),
          turn.id && [rate(turn, "up", t("Good")), rate(turn, "down", t("Bad")),
            button(t("Correct"), () => correct(place, turn), { class: "plain" })],
        ],
        turn.stats && h("small", { class: "quiet" }, summary(turn.stats))),
      turn.correction && h("p", { class: "quiet" }, t("Corrected: {text}", { text: turn.correction })),
      turn.calls?.length > 0 && !turn.children.length && results(turn), place);
  }

  /// Steps through the versions of a turn.
  function siblings(turn) {
    const parent = parentOf(root, turn);
    const count = parent.children.length;
    if (count < 2) return [];
    const step = (by) => {
      parent.chosen = (parent.children.indexOf(turn) + by + count) % count;
      actions.onChange();
      show();
    };
    return [button("‹", () => step(-1), { class: "plain", "aria-label": t("Previous version") }),
      h("small", {}, `${parent.children.indexOf(turn) + 1} / ${count}`),
      button("›", () => step(1), { class: "plain", "aria-label": t("Next version") })];
  }

  function edit(place, turn) {
    const text = h("textarea", { rows: 3, value: turn.content });
    replace(place, field(t("Edited message"), text, { wide: true }), h("div", { class: "actions" },
      button(t("Ask again"), () => actions.onEdit(turn, text.value)), button(t("Keep as it was"), show, { class: "plain" })));
    text.focus();
  }

  function correct(place, turn) {
    const text = h("textarea", { rows: 3, value: turn.correction ?? turn.content });
    const keep = () => remember(turn, { correction: text.value, rating: turn.rating ?? "down" });
    replace(place, field(t("Corrected answer"), text, { wide: true }), h("div", { class: "actions" },
      button(t("Keep correction"), keep), button(t("Keep as it was"), show, { class: "plain" })));
    text.focus();
  }

  function rate(turn, value, label) {
    return button(label, () => remember(turn, { rating: turn.rating === value ? undefined : value }), { class: "plain", "aria-pressed": turn.rating === value ? "true" : "false" });
  }

  /// Writes rating and correction beside the answer, which the server has kept; the page Data makes data sets of them.
  async function remember(turn, change) {
    const { rating, correction } = { ...turn, ...change };
    try {
      await post(`/v1/chat/completions/${turn.id}`, { metadata: { source: "console", rating, correction } });
      Object.assign(turn, change);
    } catch (error) {
      actions.onError(error);
    }
    actions.onChange();
    show();
  }

  function results(turn) {
    const inputs = turn.calls.map((call) => [call, h("textarea", { rows: 2 })]);
    const send = () => actions.onResult(inputs.map(([call, input]) => ({ role: "tool", call: call.id, content: input.value })));
    return h("div", {}, inputs.map(([call, input]) => field(t("Result of {name}", { name: call.name }), input, { wide: true })),
      button(t("Send results"), send));
  }

  show();
  return { element, show, update };
}

/// Text in paragraphs as it came; what stands between three backticks is code.
function texts(text) {
  return text.split("```").map((part, index) => (index % 2
    ? h("pre", {}, h("code", {}, part.replace(/^[\w+-]*\n/, "")))
    : part && h("div", { class: "text" }, index ? part.replace(/^\n/, "") : part)));
}

function callView(call) {
  return h("div", { class: "call" }, h("strong", {}, call.name), h("pre", {}, h("code", {}, call.text)));
}

function summary({ prompt, cached, tokens, wait, rate }) {
  return t("{tokens} tokens, {rate} per second, first after {wait} s; prompt {prompt}, of it {cached} cached", {
    tokens, prompt, cached, rate: number(rate, 1), wait: number(wait, 2),
  });
}

/// The tokens of an answer, shaded by probability; a chosen one shows what could have stood there.
function tokensView(tokens) {
  const detail = h("div", { class: "alternatives", "aria-live": "polite" });
  const percent = (logprob) => `${number(100 * Math.exp(logprob), 1)} %`;
  const choose = ([token, logprob, top]) => replace(detail, h("p", {}, `${visible(token)}: ${percent(logprob)}`),
    h("ol", {}, top.map(([each, value]) => h("li", {}, h("code", {}, visible(each)), ` ${percent(value)}`))));
  return h("details", { class: "tokens", open: true }, h("summary", {}, t("Token probabilities")),
    h("div", { class: "text" }, tokens.map((token) => button(visible(token[0]), () => choose(token), {
      class: `token p${Math.min(4, Math.floor(Math.exp(token[1]) * 5))}`, title: percent(token[1]),
    }))), detail);
}

const visible = (token) => token.replaceAll("\n", "⏎").replaceAll(" ", "␣");
