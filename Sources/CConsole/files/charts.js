// Charts as SVG. However many points there are, a line has two per pixel column at most.

import { h, s } from "./dom.js";
import { precise, t } from "./strings.js";

const width = 480;
const height = 200;
const inset = { left: 48, right: 8, top: 8, bottom: 22 };
const columns = width - inset.left - inset.right;

/// Lines over steps. `lines` are `{name, points: [[x, y]…], kind}`; kind `faint` and `dashed` are drawn so.
export function lineChart(title, lines) {
  const drawn = lines.filter((line) => line.points.length);
  const figure = h("figure", {});
  const all = drawn.flatMap((line) => line.points).filter(([, y]) => Number.isFinite(y));
  const last = drawn.map((line) => `${line.name} ${precise(line.points.at(-1)[1])}`).join(", ");
  const svg = s("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": last ? `${title}: ${last}` : title,
  });
  if (all.length) {
    const scale = scales(all);
    svg.append(...axes(scale));
    drawn.forEach((line, index) => svg.append(s("path", {
      class: `s${(line.color ?? index) % 6} ${line.kind ?? ""}`, d: pathOf(thinned(line.points), scale),
    })));
  } else {
    svg.append(s("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, t("Nothing yet")));
  }
  figure.append(h("figcaption", {}, title), svg, legend(drawn));
  return figure;
}

function scales(points) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  if (x0 === x1) x1 = x0 + 1;
  if (y0 === y1) [y0, y1] = y0 ? [y0 - Math.abs(y0) * 0.1, y1 + Math.abs(y1) * 0.1] : [0, 1];
  const bottom = height - inset.bottom;
  return {
    x: (x) => inset.left + ((x - x0) / (x1 - x0)) * columns,
    y: (y) => bottom - ((y - y0) / (y1 - y0)) * (bottom - inset.top),
    x0, x1, y0, y1,
  };
}

function axes({ x, y, x0, x1, y0, y1 }) {
  const parts = [];
  for (const value of [y0, (y0 + y1) / 2, y1]) {
    parts.push(s("line", { class: "axis", x1: inset.left, x2: width - inset.right, y1: y(value), y2: y(value) }),
      s("text", { x: inset.left - 4, y: y(value) + 4, "text-anchor": "end" }, precise(value, 3)));
  }
  parts.push(s("text", { x: x(x0), y: height - 6 }, precise(x0)),
    s("text", { x: x(x1), y: height - 6, "text-anchor": "end" }, precise(x1)));
  return parts;
}

/// The lowest and the highest point of each pixel column, in their order.
function thinned(points) {
  if (points.length <= 2 * columns) return points;
  const size = points.length / columns;
  const kept = [];
  for (let column = 0; column < columns; column += 1) {
    const part = points.slice(Math.floor(column * size), Math.floor((column + 1) * size));
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

function pathOf(points, { x, y }) {
  let text = "";
  let isUp = true;
  for (const [px, py] of points) {
    if (Number.isFinite(py)) text += `${isUp ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
    isUp = !Number.isFinite(py);
  }
  return points.length === 1 ? `${text}h2` : text;
}

function legend(lines) {
  if (lines.length < 2) return "";
  return h("div", { class: "actions" }, lines.map((line, index) => h("small", {},
    s("svg", { width: 18, height: 8, class: "chart-key", "aria-hidden": "true" },
      s("path", { class: `s${(line.color ?? index) % 6} ${line.kind ?? ""}`, d: "M0 4h18", "stroke-width": 2 })), ` ${line.name}`)));
}

/// An exponential mean of the points, without the pull of its start (as TensorBoard smooths).
export function smoothed(points, weight = 0.9) {
  let mean = 0;
  let norm = 0;
  return points.map(([x, y]) => {
    mean = mean * weight + (1 - weight) * y;
    norm = norm * weight + (1 - weight);
    return [x, mean / norm];
  });
}

/// How often numbers fall into each of `count` equal ranges.
export function histogram(title, values, count = 24) {
  const top = Math.max(...values);
  const low = Math.min(...values);
  const size = Math.max(1, (top - low) / count);
  const bins = new Array(count).fill(0);
  for (const value of values) bins[Math.min(count - 1, Math.floor((value - low) / size))] += 1;
  const most = Math.max(...bins);
  const bar = columns / count;
  const bottom = height - inset.bottom;
  const label = t("{title}: {count} from {low} to {top}", { title, count: values.length, low, top });
  return h("figure", {}, h("figcaption", {}, title), s("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
  }, bins.map((each, index) => s("rect", {
    class: "bar", x: inset.left + index * bar, width: Math.max(1, bar - 1), y: bottom - (each / most) * (bottom - inset.top),
    height: (each / most) * (bottom - inset.top),
  }, s("title", {}, String(each)))),
  s("text", { x: inset.left, y: height - 6 }, precise(low)),
  s("text", { x: width - inset.right, y: height - 6, "text-anchor": "end" }, precise(Math.ceil(low + size * count))),
  s("text", { x: inset.left - 4, y: inset.top + 10, "text-anchor": "end" }, String(most))));
}
