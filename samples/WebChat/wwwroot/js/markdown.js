// Markdown of a growing text. It is split into blocks; a finished block is rendered, sanitized and frozen, and only the last one is
// rendered again, so that the cost of a token does not grow with the answer.
import DOMPurify from "../lib/dompurify.js";
import { Marked } from "../lib/marked.js";
import { dressCode } from "./code.js";
import { t } from "./i18n/index.js";
import { mathExtensions, typeset } from "./math.js";

const marked = new Marked({ gfm: true, breaks: false, extensions: mathExtensions });

const purifier = DOMPurify(window);
const sanitizing = {
  ALLOWED_TAGS: ["p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "table", "thead", "tbody", "tr", "th", "td", "a", "img", "sup", "sub", "span", "input"],
  ALLOWED_ATTR: ["href", "title", "alt", "src", "start", "align", "class", "type", "checked", "disabled"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  RETURN_DOM_FRAGMENT: true,
};
const allowedClass = /^(?:language-[\w+#.-]{1,40}|math(?: display)?)$/;

purifier.addHook("uponSanitizeAttribute", (node, data) => {
  if (data.attrName === "class") data.keepAttr = allowedClass.test(data.attrValue);
  if (data.attrName === "src") data.forceKeepAttr = node.tagName === "IMG" && /^https?:/i.test(data.attrValue);
});
purifier.addHook("afterSanitizeAttributes", node => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  } else if (node.tagName === "IMG") {
    node.replaceWith(pictureLink(node));
  } else if (node.tagName === "INPUT" && node.getAttribute("type") !== "checkbox") {
    node.remove();
  }
});

// A picture in an answer would tell a stranger's server what was said: it becomes a link.
function pictureLink(image) {
  const link = document.createElement("a");
  const address = image.getAttribute("src");
  if (address) Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer" });
  link.textContent = t("picture", { text: image.getAttribute("alt") || address || "?" });
  return link;
}

/**
 * Splits Markdown at blank lines outside of fences, formulas and indented continuations. Joined by the lines between them, the blocks
 * are the text; all but the last are final, whatever follows.
 */
export function splitBlocks(text) {
  const blocks = [];
  let start = 0;
  let fence = null;
  let isBlankBefore = false;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? text.length : end);
    const mark = /^ {0,3}(`{3,}|~{3,}|\$\$(?!.*\$\$)|\\\[(?!.*\\\]))/.exec(line)?.[1];
    if (fence) {
      if (closes(fence, line)) fence = null;
    } else {
      if (isBlankBefore && line.trim() && !/^(?: {2,}|\t)/.test(line)) {
        blocks.push(text.slice(start, at));
        start = at;
      }

      fence = mark ?? null;
    }

    isBlankBefore = !fence && !line.trim();
    if (end < 0) break;
    at = end + 1;
  }

  if (start < text.length) blocks.push(text.slice(start));
  return blocks;
}

function closes(fence, line) {
  if (fence === "$$") return line.trimEnd().endsWith("$$");
  if (fence === "\\[") return line.trimEnd().endsWith("\\]");
  const trimmed = line.trim();
  return trimmed.length >= fence.length && [...trimmed].every(character => character === fence[0]);
}

/** The sanitized nodes of one block. */
export function renderBlock(text) {
  return purifier.sanitize(marked.parse(text), sanitizing);
}

const Cheap = 8; // ms

// What begins, ends and changes no mark: behind it, the text before is rendered as it was.
const plain = /^[\p{L}\p{M}\p{N} ,.?!'"-]*$/u;

/** Where a rendered block ends with its own text: { node, base, block, isCode }. More plain text can be written there without rendering. */
function openEnd(element, block) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let node = null;
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.data.trim() && !text.parentElement.closest("figcaption")) node = text;
  }

  const [base, written] = [node?.data.trimEnd(), block.trimEnd()];
  if (!base || !written.endsWith(base) || node.parentElement.closest("a")) return null;
  return { node, base, block: written, isCode: Boolean(node.parentElement.closest("pre")) };
}

function growAt(end, block) {
  if (!end || !block.startsWith(end.block)) return false;
  const added = block.slice(end.block.length);
  if (end.isCode ? /[`~]/.test(added) : !plain.test(added)) return false;
  end.node.data = end.base + added;
  return true;
}

/** Shows a growing text in an element: at once, and less often when that takes long. The page sets it at most once a frame. */
export class MarkdownView {
  #element;
  #frozen = 0; // characters of the frozen blocks
  #last = null; // the element of the block that still grows
  #end = null; // where it can grow without being rendered again
  #text = "";
  #timer = 0;
  #cost = 0; // ms of the last rendering

  constructor(element) {
    this.#element = element;
  }

  /** Shows a text that begins as the one before did; `isFinal` freezes all of it. */
  set(text, isFinal) {
    if (!text.startsWith(this.#text.slice(0, this.#frozen))) this.#clear();
    this.#text = text;
    if (isFinal || this.#cost <= Cheap) {
      clearTimeout(this.#timer);
      this.#timer = 0;
      this.#render(isFinal);
    } else {
      this.#timer ||= setTimeout(() => { this.#timer = 0; this.#render(false); }, this.#cost * 4);
    }
  }

  #clear() {
    this.#element.replaceChildren();
    [this.#frozen, this.#last, this.#end] = [0, null, null];
  }

  #render(isFinal) {
    const begin = performance.now();
    const blocks = splitBlocks(this.#text.slice(this.#frozen));
    blocks.forEach((block, i) => {
      const isFrozen = isFinal || i < blocks.length - 1;
      this.#show(block, isFrozen);
      if (isFrozen) {
        this.#frozen += block.length;
        [this.#last, this.#end] = [null, null];
      }
    });
    this.#cost = performance.now() - begin;
  }

  #show(block, isFrozen) {
    if (!isFrozen && growAt(this.#end, block)) return;
    if (!this.#last) {
      this.#last = document.createElement("div");
      this.#last.className = "block";
      this.#element.append(this.#last);
    }

    this.#last.replaceChildren(renderBlock(isFrozen ? block : closed(block)));
    dressCode(this.#last, isFrozen);
    typeset(this.#last, isFrozen);
    this.#end = isFrozen ? null : openEnd(this.#last, block);
  }
}

// For the rendering only: a formula that is still being written is shown as text, an open fence closes by itself.
const closed = block => /^\s*(?:\$\$|\\\[)/.test(block) ? block.replace(/\$/g, "\\$") : block;
