// llama.cpp's speed on a GGUF, through the prebuilt library that the npm package node-llama-cpp ships.
//   npm i node-llama-cpp@3.22.1 --ignore-scripts     (once, in any folder; copy this file there and run it from there)
//   node llama.mjs MODEL.gguf [promptTokens=512] [newTokens=64] [threads=2]
// Measures once for every line that it reads, so that another program can take turns with it.
import {createInterface} from "node:readline";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [, , path, prompt = "512", fresh = "64", threads = "2"] = process.argv;
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, progressLogs: false});
const model = await llama.loadModel({modelPath: path, gpuLayers: 0});
const context = await model.createContext({contextSize: 8192, batchSize: 2048, threads: +threads, flashAttention: true});
const sequence = context.getSequence();
const random = count => Array.from({length: count}, () => Math.floor(Math.random() * 199000));
await sequence.evaluateWithoutGeneratingNewTokens(random(32));
console.log("ready");
for await (const _ of createInterface({input: process.stdin})) {
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(random(+prompt));
  const prefill = +prompt / (performance.now() - start) * 1000;
  let count = 0, first;
  for await (const token of sequence.evaluate([5], {temperature: 0, yieldEogToken: true})) {
    if (++count === 1) first = performance.now();
    if (count >= +fresh) break;
  }
  console.log(JSON.stringify({prefill, decode: (count - 1) / (performance.now() - first) * 1000}));
}
process.exit(0);
