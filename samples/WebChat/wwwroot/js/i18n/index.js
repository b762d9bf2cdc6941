import en from "./en.js";
import zh from "./zh-CN.js";

export const languages = { en: "English", "zh-CN": "简体中文" };
const texts = { en, "zh-CN": zh };

let current = choose();

function choose() {
  const kept = read();
  if (kept in texts) return kept;
  return (navigator.languages ?? [navigator.language]).some(tag => /^zh\b/i.test(tag)) &&
    !/^en\b/i.test(navigator.languages?.[0] ?? "") ? "zh-CN" : "en";
}

function read() {
  try { return localStorage.getItem("language"); } catch { return null; }
}

export const language = () => current;

export function setLanguage(tag) {
  current = tag in texts ? tag : "en";
  document.documentElement.lang = current;
  try { localStorage.setItem("language", current); } catch { /* this visit only */ }
}

/** The text of a key, with {names} filled in. */
export const t = (key, values = {}) =>
  (texts[current][key] ?? en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => name in values ? String(values[name]) : whole);

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(current, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const percent = fraction => new Intl.NumberFormat(current, { style: "percent", maximumFractionDigits: 0 }).format(fraction);

export const seconds = ms => ms < 950
  ? new Intl.NumberFormat(current, { style: "unit", unit: "millisecond", maximumFractionDigits: 0 }).format(ms)
  : new Intl.NumberFormat(current, { style: "unit", unit: "second", maximumFractionDigits: 1 }).format(ms / 1000);

export const duration = seconds => {
  const [value, unit] = seconds >= 5_400 ? [seconds / 3_600, "hour"] : seconds >= 90 ? [seconds / 60, "minute"] : [seconds, "second"];
  return new Intl.NumberFormat(current, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: unit === "hour" ? 1 : 0 }).format(unit === "hour" ? value : Math.ceil(value));
};

export const bytes = count => count >= 1e9 ? `${number(count / 1e9, 1)} GB` : count >= 1e6 ? `${number(count / 1e6)} MB` : `${number(count / 1e3)} kB`;

document.documentElement.lang = current;
