// Not a client: lints the server's Dockerfile, and validates its Kubernetes manifest against the schemas of Kubernetes and of the
// Prometheus operator.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { parseAllDocuments } from "yaml";

const read = name => readFileSync(new URL(`../../../samples/Server/${name}`, import.meta.url), "utf8");

const lint = text => validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
assert.deepEqual(lint(read("Dockerfile")), []);
assert.notDeepEqual(lint("FRM x"), []);

const errors = async text => {
  const found = [];
  for (const document of parseAllDocuments(text)) {
    const resource = document.toJS();
    const schemas = resource.apiVersion.startsWith("monitoring.") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
    const { [resource.kind]: Model } = await import(`${schemas}/${resource.apiVersion}`);
    try {
      new Model(resource).validate();
    } catch (error) {
      found.push(`${resource.kind}: ${error.message}`);
    }
  }
  return found;
};
const manifest = read("kubernetes.yaml");
assert.deepEqual(await errors(manifest), []);
for (const [right, wrong] of [
  ["minReplicas: 1", "minReplicas: one"],
  ["containerPort:", "port:"],
  ["port: http\n      path", "port: 1\n      path"],
]) {
  assert.ok(manifest.includes(right));
  assert.equal((await errors(manifest.replace(right, wrong))).length, 1, wrong);
}
