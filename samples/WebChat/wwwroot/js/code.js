// Code blocks: their language, a copy button, wrapping, and colours once the block is complete.
import hljs from "../lib/highlight/core.js";
import { icon } from "./icons.js";
import { t } from "./i18n/index.js";
import { whenIdle } from "./ui.js";

const names = ["bash", "c", "cpp", "csharp", "css", "diff", "go", "java", "javascript", "json", "python", "rust", "sql", "typescript", "xml", "yaml"];
const aliases = { sh: "bash", shell: "bash", "c++": "cpp", "c#": "csharp", cs: "csharp", js: "javascript", ts: "typescript", py: "python", html: "xml", yml: "yaml", rs: "rust" };
const loaded = new Map();
const Limit = 200_000;

const grammar = name => {
  if (!loaded.has(name)) {
    loaded.set(name, import(`../lib/highlight/${name}.js`).then(module => hljs.registerLanguage(name, module.default)));
  }

  return loaded.get(name);
};

/** Puts each code block below an element into a figure with its buttons; colours it when it is final. */
export function dressCode(element, isFinal) {
  for (const code of element.querySelectorAll("pre > code")) {
    const written = /language-(\S+)/.exec(code.className)?.[1] ?? "";
    const language = aliases[written.toLowerCase()] ?? written.toLowerCase();
    const pre = code.parentElement;
    const figure = document.createElement("figure");
    figure.className = "code";
    pre.replaceWith(figure);
    pre.tabIndex = 0;
    pre.setAttribute("role", "group"); // a region is a landmark, which many blocks are too many of
    pre.setAttribute("aria-label", written || "code");
    figure.append(header(written, code, figure), pre);
    if (isFinal && names.includes(language) && code.textContent.length <= Limit) colour(code, language);
  }
}

function header(written, code, figure) {
  const bar = document.createElement("figcaption");
  const label = document.createElement("span");
  label.textContent = written;
  bar.append(label, button("wrap", "wrap", () => figure.classList.toggle("wraps")), button("copy", "copyCode", event => copy(code.textContent, event.currentTarget)));
  return bar;
}

function button(image, label, click) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "icon";
  element.title = t(label);
  element.setAttribute("aria-label", t(label));
  element.append(icon(image));
  element.addEventListener("click", click);
  if (image === "copy") element.dataset.copy = "code";
  return element;
}

/** Copies a text and says so in the button that was pressed. */
export async function copy(text, pressed) {
  await navigator.clipboard.writeText(text);
  const before = [...pressed.childNodes];
  pressed.replaceChildren(icon("check"));
  pressed.setAttribute("data-done", t("copied"));
  setTimeout(() => {
    pressed.replaceChildren(...before);
    pressed.removeAttribute("data-done");
  }, 1_500);
}

async function colour(code, language) {
  const text = code.textContent;
  await grammar(language);
  whenIdle(() => { code.innerHTML = hljs.highlight(text, { language, ignoreIllegals: true }).value; });
}
