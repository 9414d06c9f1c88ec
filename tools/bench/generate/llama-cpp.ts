/** llama.cpp's generation in a process of its own: `llama-cpp.ts MODEL PROMPT TOKENS THREADS FOLDER`; the speed on stdout. */
import { openLlama } from '../../llama-cpp/open-llama.js';
import { median } from '../step/median.js';
import type { Speed } from './speed.js';

const [modelPath = '', prompt = '', tokens = '', given = '', folder = ''] = process.argv.slice(2);
const threads = Number(given);
const llama = await openLlama(folder, threads);
const started = performance.now();
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const length = Number(prompt);
const context = await model.createContext({
  contextSize: length + Number(tokens) + 8,
  batchSize: length,
  threads: { ideal: threads, min: threads },
});
const sequence = context.getSequence();
const loadSeconds = (performance.now() - started) / 1000;
const { length: vocabularySize } = model.fileInfo.metadata.tokenizer.ggml.tokens;
const ids = Array.from({ length }, (_, i) => (i * 97) % vocabularySize);

let prefillSeconds = 0;
let times: number[] = [];
for (let run = 0; run < 2; run++) {
  times = [];
  await sequence.clearHistory();
  let last = performance.now();
  for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    const now = performance.now();
    times.push((now - last) / 1000);
    last = now;
    if (times.length === Number(tokens)) break;
  }
  prefillSeconds = times.shift() ?? 0;
}
const speed: Speed = {
  loadSeconds,
  promptTokens: ids.length,
  prefillSeconds,
  tokenSeconds: median(times),
  peakResidentBytes: process.resourceUsage().maxRSS * 1024,
};
await model.dispose();
await llama.dispose();
console.log(JSON.stringify(speed));
