// Formulas: $…$, $$…$$, \(…\), \[…\]. The typesetter is loaded when the first one comes.

const placeholder = (tex, isDisplay) => `<span class="${isDisplay ? "math display" : "math"}">${escape(tex)}</span>`;
const escape = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

const rule = (name, level, start, pattern, isDisplay) => ({
  name, level,
  start: source => { const at = source.search(start); return at < 0 ? undefined : at; },
  tokenizer: source => {
    const match = pattern.exec(source);
    return match ? { type: name, raw: match[0], tex: match[1].trim() } : undefined;
  },
  renderer: token => placeholder(token.tex, isDisplay),
});

export const mathExtensions = [
  rule("mathDollars", "block", /\$\$/, /^ {0,3}\$\$([\s\S]+?)\$\$[ \t]*(?:\n|$)/, true),
  rule("mathBrackets", "block", /\\\[/, /^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/, true),
  rule("mathInlineDisplay", "inline", /\$\$/, /^\$\$([^$\n]+?)\$\$/, true),
  rule("mathParentheses", "inline", /\\\(/, /^\\\(([^\n]+?)\\\)/, false),
  // Prices are not formulas: no space inside of the signs, no digit behind.
  rule("mathDollar", "inline", /\$/, /^\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)/, false),
];

let katex = null;

async function load() {
  const sheet = document.createElement("link");
  Object.assign(sheet, { rel: "stylesheet", href: new URL("../lib/katex/katex.css", import.meta.url).href });
  document.head.append(sheet);
  return (await import("../lib/katex/katex.js")).default;
}

/** Typesets the formulas below an element once it is final. A formula that cannot be read stays as it was written. */
export async function typeset(element, isFinal) {
  const spans = isFinal ? [...element.querySelectorAll("span.math")] : [];
  if (spans.length === 0) return;
  const { render } = await (katex ??= load());
  for (const span of spans) {
    const tex = span.textContent;
    try {
      render(tex, span, { displayMode: span.classList.contains("display"), throwOnError: true, trust: false, maxSize: 20, maxExpand: 200 });
    } catch {
      span.textContent = tex;
    }
  }
}
