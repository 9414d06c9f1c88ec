/**
 * A process that saves a run's adapter a second time and stops before the file is whole, to be killed: `stalled-save.ts FOLDER`.
 *
 * It stops where the bytes have been written and the new file is about to take the place of the old one.
 */
import '@tensorflow/tfjs-backend-cpu';
import fs from 'node:fs/promises';
import { openEngine, portableEngine } from '@loran/tensor';
import { classificationTask } from '../classification/classification-task.js';
import { RunFolder } from '../run-folder/run-folder.js';
import { train } from '../train.js';
import { toyClassifier, toyExamples } from './toy-classifier.js';

const [folder = '', file = ''] = process.argv.slice(2);
await openEngine(portableEngine('cpu'));
const { classifier, adapter, parameters } = await toyClassifier();
const run = await RunFolder.create(folder, { configuration: {}, seeds: { data: 0 } });
const task = classificationTask({ classifier, parameters, examples: toyExamples(20), batchSize: 10 });
const save = () => run.save(adapter);

let saved = 0;
for await (const event of run.follow(train({ task, learningRate: 0.05, epochs: 5, save, saveEvery: 'epoch' }))) {
  if (event.type !== 'saved' || ++saved > 1) continue;
  const { rename } = fs;
  fs.rename = async (from, to) => {
    if (String(to).endsWith(file)) {
      process.stdout.write('half-way\n');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    await rename(from, to);
  };
}
