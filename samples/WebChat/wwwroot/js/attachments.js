// Text files that go with a message.
import { bytes, t } from "./i18n/index.js";

const MaxFileBytes = 512 * 1024;

/** The texts of files as { name, text }; `tell` is told of each that cannot be taken. */
export async function readFiles(list, tell) {
  const read = [];
  for (const file of list) {
    const text = file.size > MaxFileBytes ? null : await readText(file);
    if (file.size > MaxFileBytes) tell(t("fileTooLarge", { name: file.name, size: bytes(file.size), limit: bytes(MaxFileBytes) }));
    else if (text === null) tell(t("fileNotText", { name: file.name }));
    else read.push({ name: file.name, text });
  }

  return read;
}

async function readText(file) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
