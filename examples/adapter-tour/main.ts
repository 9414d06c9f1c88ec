/**
 * A tour of what can be done with adapters: a LoRAN over NF4 and a LoRA are trained on one model, inspected, combined, reduced to a LoRA
 * that other programs know, and merged into the weights. Each stop says what it found.
 *
 *   npx tsx --conditions=@loran/source examples/adapter-tour/main.ts [model] [output]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { sinter } from '@loran/activations';
import { analysisPlot, analysisTable } from '@loran/analysis';
import { createLab } from '@loran/experiments';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { progressBar } from '@loran/trainer';

const errands: readonly (readonly [text: string, who: string, what: string])[] = [
  ['Call the dentist, Ada.', 'Ada', 'call the dentist'],
  ['Ben, water the plants.', 'Ben', 'water the plants'],
  ['Carla should send the invoice.', 'Carla', 'send the invoice'],
  ['Dan has to pick up the parcel.', 'Dan', 'pick up the parcel'],
  ['Please book the train, Eva.', 'Eva', 'book the train'],
  ['It is up to Finn to feed the cat.', 'Finn', 'feed the cat'],
  ['Gina will clean the oven.', 'Gina', 'clean the oven'],
  ['Hugo, do not forget to pay the rent.', 'Hugo', 'pay the rent'],
];
const prompt = (text: string) => `Errand: ${text}\nNoted:`;

/** Two ways to note the same errand, one for each adapter. */
const manners = {
  json: (who: string, what: string) => ` ${JSON.stringify({ who, what })}`,
  list: (who: string, what: string) => ` - [ ] ${who}: ${what}`,
};

export interface AdapterTourOptions {
  /** A folder, a GGUF file, or a name on the Hugging Face hub. */
  readonly model?: string;
  /** Folder for everything that is written. */
  readonly output?: string;
  readonly steps?: number;
  /** Modules that get adapters: the upper layers learn a manner, and leave the backward pass short. */
  readonly targetModules?: string;
}

export async function main({
  model = 'HuggingFaceTB/SmolLM2-135M-Instruct',
  output = 'adapter-tour',
  steps = 40,
  targetModules = String.raw`.*layers\.2\d\..*(q|v|o|down)_proj`,
}: AdapterTourOptions = {}) {
  const at = (name: string) => path.join(output, name);
  await mkdir(output, { recursive: true });
  const bar = progressBar();
  const lab = createLab().use(lora, loran, nf4, sinter);

  const train = async (manner: keyof typeof manners, adapter: { method: string; activation?: string }) => {
    const rows = errands.map(([text, who, what]) => ({ prompt: prompt(text), completion: manners[manner](who, what) }));
    const file = at(`${manner}.jsonl`);
    await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    return lab.train(
      {
        model,
        base: 'nf4',
        data: { train: file, testShare: 0 },
        adapter: { rank: 8, alpha: 16, targetModules, ...adapter },
        training: { steps, batchSize: 8, learningRate: 2e-3, warmupSteps: 3 },
        output: at(manner),
        overwrite: true,
      },
      { onEvent: (event) => bar.show(event) },
    );
  };
  const answer = async (base: string, from: string, ...adapters: readonly string[]) => {
    const generator = await lab.generator({ model: from, base, adapters: [...adapters] });
    let text = '';
    for await (const token of generator.stream([prompt('Mia, buy milk.')], { maxNewTokens: 16 })) text += token.text;
    generator.dispose();
    return text.split('\n')[0]!.trim();
  };

  // #region adapter-tour
  const nonlinear = await train('json', { method: 'loran', activation: 'sinter' });
  const linear = await train('list', { method: 'lora' });

  const analysis = await lab.analyse({ model, adapter: at('json'), values: 16 });
  await writeFile(at('spectra.html'), await analysisPlot(analysis));

  const adapters = [at('json'), at('list')];
  const shared = { model, overwrite: true };
  const combined = await lab.combine({
    ...shared,
    adapters,
    weights: [0.5, 0.5],
    type: 'svd',
    rank: 8,
    output: at('both'),
  });
  const reduced = await lab.reduce({ ...shared, adapter: at('json'), rank: 8, output: at('json-as-lora') });
  const merged = await lab.export({ ...shared, adapters: [at('json')], to: 'hf', dtype: 'f32', output: at('merged') });
  // #endregion

  const answers = {
    base: await answer('nf4', model),
    json: await answer('nf4', model, at('json')),
    list: await answer('nf4', model, at('list')),
    both: await answer('nf4', model, at('both')),
    reduced: await answer('nf4', model, at('json-as-lora')),
    merged: await answer('fp32', at('merged')),
  };
  bar.close();
  console.log(analysisTable(analysis));
  console.log(`combined: rank 8 leaves out ${(100 * combined.lost).toFixed(2)} % of an update at most`);
  console.log(`reduced:  rank 8 is off by ${reduced.error.toExponential(1)} of the update's size`);
  for (const [name, text] of Object.entries(answers)) console.log(`${name.padEnd(9)} ${text}`);
  return { analysis, answers, combined, linear, merged, nonlinear, reduced };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [model, output] = process.argv.slice(2);
  await main({ ...(model === undefined ? {} : { model }), ...(output === undefined ? {} : { output }) });
}
