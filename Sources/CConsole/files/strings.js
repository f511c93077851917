// The words of the console. English is the key, so that the code reads as the page does.

import { chinese } from "./chinese.js";

export const languages = [["en", "English"], ["zh", "中文"]];

let current = stored() ?? (navigator.language?.startsWith("zh") ? "zh" : "en");

function stored() {
  try {
    return localStorage.getItem("facet.language");
  } catch {
    return undefined;
  }
}

export const language = () => current;

export function setLanguage(name) {
  current = name;
  try {
    localStorage.setItem("facet.language", name);
  } catch {
    // The choice lasts as long as the page, then.
  }
}

/// A text in the language of the page, with `{name}` replaced by `values.name`.
export function t(text, values = {}) {
  const words = current === "zh" ? chinese[text] ?? text : text;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const locale = () => (current === "zh" ? "zh-CN" : "en");

/// A number with at most `digits` digits behind the point.
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

/// A number of any size, such as a loss or a learning rate, with `digits` significant digits.
export const precise = (value, digits = 4) => (value === 0 ? "0" : Math.abs(value) < 1e-3
  ? value.toExponential(2) : new Intl.NumberFormat(locale(), { maximumSignificantDigits: digits }).format(value));

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < 4; unit += 1) count /= 1000;
  return `${number(count, unit && count < 100 ? 1 : 0)} ${units[unit]}`;
}

export const time = (seconds) => new Date(seconds * 1000).toLocaleString(locale(), { dateStyle: "short", timeStyle: "short" });

export function duration(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const two = (value) => String(value).padStart(2, "0");
  return `${Math.floor(all / 3600)}:${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
}

export const percent = (share) => `${number(100 * share, 1)} %`;
