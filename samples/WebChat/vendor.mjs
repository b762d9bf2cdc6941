// Copies the pinned libraries of package.json into wwwroot/lib, with their licences: `npm run vendor`.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const lib = join(here, "wwwroot", "lib");
const languages = ["bash", "c", "cpp", "csharp", "css", "diff", "go", "java", "javascript", "json", "python", "rust", "sql", "typescript", "xml", "yaml"];

const parts = {
  htm: { licence: "LICENSE", files: { "preact/standalone.module.js": "preact.js" } },
  preact: { licence: "LICENSE", files: {} }, // it is inside htm's file
  marked: { licence: "LICENSE", files: { "lib/marked.esm.js": "marked.js" } },
  dompurify: { licence: "LICENSE", files: { "dist/purify.es.mjs": "dompurify.js" } },
  idb: { licence: "LICENSE", files: { "build/index.js": "idb.js" } },
  katex: { licence: "LICENSE", files: { "dist/katex.mjs": "katex/katex.js", "dist/katex.min.css": "katex/katex.css" } },
  "@highlightjs/cdn-assets": {
    licence: "LICENSE",
    files: {
      "es/core.min.js": "highlight/core.js",
      ...Object.fromEntries(languages.map(name => [`es/languages/${name}.min.js`, `highlight/${name}.js`])),
    },
  },
};

rmSync(lib, { recursive: true, force: true });
const notices = [];
for (const [name, { licence, files }] of Object.entries(parts)) {
  const from = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  for (const [source, target] of Object.entries(files)) {
    mkdirSync(join(lib, target, ".."), { recursive: true });
    const text = readFileSync(join(from, source), "utf8").replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n");
    writeFileSync(join(lib, target), text);
  }

  notices.push(`${name} ${version} (${license})\n\n${readFileSync(join(from, licence), "utf8").trim()}\n`);
}

// KaTeX's fonts, in the one format that every current browser reads.
const fonts = join(here, "node_modules", "katex", "dist", "fonts");
for (const font of readdirSync(fonts).filter(file => file.endsWith(".woff2"))) {
  cpSync(join(fonts, font), join(lib, "katex", "fonts", font));
}

writeFileSync(join(lib, "LICENSES.txt"), notices.join(`\n${"-".repeat(100)}\n\n`));
