// Not a client: lints the server's Dockerfile, which is built only where there is a container tool.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";

const lint = text => validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
const path = new URL("../../../samples/Server/Dockerfile", import.meta.url);
assert.deepEqual(lint(readFileSync(path, "utf8")), []);
assert.notDeepEqual(lint("FRM x"), []);
