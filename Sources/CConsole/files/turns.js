// The turns of a conversation: a tree, of which one path is shown.

/// The turns that are shown, from the first question on.
export function path(root) {
  const turns = [];
  for (let turn = root; turn.children.length;) {
    turn = turn.children[Math.min(turn.chosen, turn.children.length - 1)];
    turns.push(turn);
  }
  return turns;
}

/// What a shown turn answers; the root where it is the first.
export function parentOf(root, turn) {
  const turns = [root, ...path(root)];
  return turns.find((each) => each.children.includes(turn)) ?? root;
}

/// A turn as the API takes it.
export function wireMessage({ role, content, calls, call }) {
  const message = { role, content };
  if (calls?.length) {
    message.tool_calls = calls.map(({ id, name, text }) => ({ id, type: "function", function: { name, arguments: text } }));
  }
  if (call) message.tool_call_id = call;
  return message;
}
