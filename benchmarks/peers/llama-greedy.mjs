// What llama.cpp continues prompts of token ids with, and how probable its first two choices were.
//   npm i node-llama-cpp@3.22.1 --ignore-scripts     (once, in any folder; copy this file there)
//   node llama-greedy.mjs MODEL.gguf newTokens < PROMPTS.json
// Reads [[ids], …]; writes [[{token, first, second}, …], …].
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [, , path, fresh] = process.argv;
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, progressLogs: false});
const model = await llama.loadModel({modelPath: path, gpuLayers: 0});
const context = await model.createContext({contextSize: 512, batchSize: 512, threads: 1});
const sequence = context.getSequence();
const answers = [];
for (const prompt of JSON.parse(readFileSync(0, "utf8"))) {
  await sequence.clearHistory();
  const answer = [];
  let input = prompt.map((token, i) => i < prompt.length - 1 ? token : [token, {generateNext: {probabilities: true, options: {temperature: 0}}}]);
  while (answer.length < +fresh) {
    const {next} = (await sequence.controlledEvaluate(input)).at(-1);
    const ranked = next.probabilities.entries(); // the most probable first
    const [token, first] = ranked.next().value, [, second] = ranked.next().value;
    answer.push({token, first, second});
    input = [[token, {generateNext: {probabilities: true, options: {temperature: 0}}}]];
  }
  answers.push(answer);
}
console.log(JSON.stringify(answers));
process.exit(0);
