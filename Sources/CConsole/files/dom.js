// Elements made of data. Text becomes text nodes, so nothing from outside is ever read as markup.

const svgNamespace = "http://www.w3.org/2000/svg";
const properties = new Set(["value", "checked", "disabled", "hidden", "selected", "multiple", "open", "indeterminate"]);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false && !properties.has(name)) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (properties.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/// An HTML element. `props.on` are listeners; other members are properties or attributes.
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/// An SVG element.
export const s = (tag, props, ...children) => fill(document.createElementNS(svgNamespace, tag), props, children);

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

let count = 0;
export const newID = () => `c${++count}`;

/// A control with its label and, where there is one, a description that belongs to it.
export function field(label, control, { hint, wide, inline } = {}) {
  control.id ||= newID();
  const text = h("label", { for: control.id }, label);
  const parts = inline ? [control, text] : [text, control];
  if (hint) {
    control.setAttribute("aria-describedby", `${control.id}-hint`);
    parts.push(h("small", { id: `${control.id}-hint` }, hint));
  }
  return h("div", { class: `field${wide ? " wide" : ""}${inline ? " inline" : ""}` }, parts);
}

export function button(label, action, props = {}) {
  return h("button", { type: "button", on: { click: action }, ...props }, label);
}

/// A choice. Options are texts, or pairs of value and text.
export function select(options, value, onChange, props = {}) {
  const element = h("select", { on: { change: () => onChange?.(element.value) }, ...props });
  setOptions(element, options, value);
  return element;
}

/// Changes what there is to choose; a value that is no longer there stays on offer.
export function setOptions(element, options, value) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  if (value && !pairs.some(([key]) => key === value)) pairs.push([value, value]);
  replace(element, pairs.map(([key, text]) => h("option", { value: key }, text)));
  element.value = value ?? pairs[0]?.[0] ?? "";
}

export function table(caption, heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "quiet" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map((row) => h("tr", {},
        row.map((cell, index) => h(index ? "td" : "th", index ? {} : { scope: "row" }, cell)))))));
}

/// What went wrong, said at once by a screen reader.
export const alert = (error) => h("p", { class: "alert", role: "alert" }, error?.message ?? String(error));
export const status = (text) => h("p", { class: "status", role: "status" }, text);

/// Saves text, or a blob, as a file.
export function save(content, name, type = "text/plain") {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/// Calls `work` again and again while the page is shown; returns what ends it.
export function every(milliseconds, work) {
  let isOver = false;
  let timer;
  const turn = async () => {
    if (!document.hidden) await work();
    if (!isOver) timer = setTimeout(turn, milliseconds);
  };
  turn();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/// What is kept for this browser tab, across reloads; not where the browser forbids it.
export const kept = {
  read(key, fallback, store = sessionStorage) {
    try {
      return JSON.parse(store.getItem(`facet.${key}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  write(key, value, store = sessionStorage) {
    try {
      store.setItem(`facet.${key}`, JSON.stringify(value));
    } catch {
      // A full store costs the memory of a reload, and nothing else.
    }
  },
};
