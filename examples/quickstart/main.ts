/**
 * The quickstart: fine-tunes a real pretrained transformer on real e-mails, four ways, and prints how they compare.
 *
 *   npm start                     one seed, under five minutes on two cores
 *   npm start -- --full           three seeds
 */
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { sinter } from '@loran/activations';
import { createLab, type Report } from '@loran/experiments';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { progressBar } from '@loran/trainer';
import { prepareQuickstart } from './src/prepare-quickstart.js';

export interface QuickstartOptions {
  readonly seeds?: readonly number[];
  readonly steps?: number;
  /** JSONL of texts and labels, instead of the e-mails. */
  readonly data?: { readonly train: string; readonly test: string };
  readonly output?: string;
}

export async function quickstart(options: QuickstartOptions = {}): Promise<Report> {
  const { seeds = [0], steps = 36, output = 'runs/quickstart' } = options;
  const { model, train, test } = { ...(await prepareQuickstart()), ...options.data };

  // #region experiment
  const lowRank = { rank: 8, alpha: 16 };
  const experiment = createLab()
    .use(lora, loran, nf4, sinter)
    .experiment({
      model,
      data: { train, test },
      pooling: 'mean',
      evaluators: ['accuracy', 'macro-f1'],
      training: { steps, batchSize: 16, learningRate: 4e-3, maxLength: 64 },
      arms: {
        // The classifier alone stands more: at the rate of the others it would still be learning when it stops.
        'linear probe': { adapter: { method: 'lora', targetModules: [] }, training: { learningRate: 3e-2 } },
        LoRA: { adapter: { method: 'lora', ...lowRank } },
        QLoRA: { base: 'nf4', adapter: { method: 'lora', ...lowRank } },
        'LoRAN(sinter), NF4': { base: 'nf4', adapter: { method: 'loran', activation: 'sinter', ...lowRank } },
      },
      seeds: [...seeds],
      output,
      overwrite: true,
    });
  // #endregion

  const bar = progressBar();
  const report = await experiment.run({
    onProgress: ({ arm, seed, run, runs }, event) => {
      if (event.type === 'step' && event.step === 1) console.error(`\n${run}/${runs}  ${arm}, seed ${seed}`);
      bar.show(event);
    },
  });

  console.log(
    `\nSpam or ham, ${report.arms[0]?.runs[0]?.examples} test e-mails. Differences are to the linear probe.\n`,
  );
  console.log(report.table());
  console.log('\nWritten:');
  for (const { folder } of report.arms.flatMap(({ runs }) => runs)) console.log(`  ${folder}`);
  const adapter = report.arms.at(-1)?.runs[0]?.folder;
  console.log(`\nNext, your own texts and labels, on the same model:
  npm run loran -- train --model ${model} --data YOUR.jsonl --pooling mean --method loran --activation sinter --base nf4 --output my-adapter
  npm run loran -- evaluate --model ${model} --adapter ${adapter} --data ${test}`);
  return report;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({ options: { full: { type: 'boolean', default: false }, steps: { type: 'string' } } });
  await quickstart({
    seeds: values.full ? [0, 1, 2] : [0],
    ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
  });
}
