// One streamed answer of /v1/chat/completions, put together as its pieces come.

import { stream } from "./api.js";

/// Fills `turn` from the events of a request and calls `onChange` after each.
///
/// `turn` gets `id` (of an answer that is kept), `content`, `thoughts`, `calls` (of tools), `tokens` (with their probabilities), `finish` and `stats`.
export async function answer(turn, body, signal, onChange) {
  const begin = performance.now();
  let first;
  for await (const event of stream("/v1/chat/completions", body, signal)) {
    if (event.usage) turn.stats = statistics(event.usage, begin, first);
    if (body.store) turn.id ??= event.id;
    const choice = event.choices?.[0];
    if (!choice) continue;
    const { content, reasoning_content: thoughts, tool_calls: calls } = choice.delta ?? {};
    if (content || thoughts || calls) first ??= performance.now();
    if (content) turn.content += content;
    if (thoughts) turn.thoughts = (turn.thoughts ?? "") + thoughts;
    for (const piece of calls ?? []) addCall(turn, piece);
    for (const token of choice.logprobs?.content ?? []) (turn.tokens ??= []).push(slim(token));
    if (choice.finish_reason) turn.finish = choice.finish_reason;
    onChange();
  }
}

function addCall(turn, { index = 0, id, function: piece = {} }) {
  turn.calls ??= [];
  const call = (turn.calls[index] ??= { id: "", name: "", text: "" });
  if (id) call.id = id;
  if (piece.name) call.name = piece.name;
  call.text += piece.arguments ?? "";
}

/// A token with its probability and the most likely alternatives.
function slim({ token, logprob, top_logprobs: top = [] }) {
  return [token, logprob, top.map((each) => [each.token, each.logprob])];
}

function statistics(usage, begin, first = begin) {
  const now = performance.now();
  // What came in one piece has no pace of its own.
  const from = now - first > 50 ? first : begin;
  return {
    prompt: usage.prompt_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    tokens: usage.completion_tokens,
    thought: usage.completion_tokens_details?.reasoning_tokens ?? 0,
    wait: (first - begin) / 1000,
    rate: usage.completion_tokens / Math.max((now - from) / 1000, 0.001),
  };
}
