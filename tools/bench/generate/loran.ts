/** Our generation in a process of its own: `loran.ts MODEL PROMPT TOKENS THREADS BASE`; the speed on stdout. */
import { type BaseStorage, bf16, fp32 } from '@loran/adapter';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { generate, loadLanguageModel } from '@loran/models';
import { nf4 } from '@loran/qlora';
import { currentEngine, openEngine } from '@loran/tensor';
import { median } from '../step/median.js';
import type { Speed } from './speed.js';

const [path = '', prompt = '', tokens = '', threads = '', base = 'fp32'] = process.argv.slice(2);
const storages: Readonly<Record<string, BaseStorage>> = { fp32, bf16, nf4 };
await openEngine(createOnnxruntimeEngine({ log: () => {} }), { device: 'cpu', threads: Number(threads) });
const started = performance.now();
const model = await loadLanguageModel(path, { base: storages[base]!, embeddings: base === 'bf16' ? bf16 : fp32 });
const loadSeconds = (performance.now() - started) / 1000;
const ids = Array.from({ length: Number(prompt) }, (_, i) => (i * 97) % model.vocabularySize);

let prefillSeconds = 0;
let times: number[] = [];
for (let run = 0; run < 2; run++) {
  times = [];
  let last = performance.now();
  for await (const { index } of generate(model, [ids], { maxNewTokens: Number(tokens), endIds: [] })) {
    const now = performance.now();
    if (index === 0) times.push((now - last) / 1000);
    last = now;
  }
  prefillSeconds = times.shift() ?? 0;
}
const speed: Speed = {
  loadSeconds,
  promptTokens: ids.length,
  prefillSeconds,
  tokenSeconds: median(times),
  peakResidentBytes: currentEngine().memory().peakResidentBytes,
};
model.dispose();
await currentEngine().close();
console.log(JSON.stringify(speed));
