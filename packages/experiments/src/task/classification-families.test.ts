/** Classifiers of the other kinds, trained, written and measured again: their heads are saved under PEFT's names. */
import { cpSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lora } from '@loran/lora';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpuLab, type Toy, toyTask } from '../__fixtures__/toy-task.js';

const models = fileURLToPath(new URL('../../../models/src/__fixtures__', import.meta.url));

let toy: Toy;
beforeAll(async () => {
  toy = await toyTask();
});
afterAll(() => rm(toy.folder, { recursive: true }));

test.each([
  ['decoders/gpt2', 'last', ['c_attn'], ['score'], true],
  ['encoders/roberta', 'cls', ['query', 'value'], ['classifier'], false],
  ['encoders/distilbert', 'cls', ['q_lin', 'v_lin'], ['pre_classifier', 'classifier'], false],
])('%s', async (name, pooling, targets, head, conv1d) => {
  const folder = path.join(toy.folder, name);
  cpSync(path.join(models, name), folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(path.join(models, 'decoders', file), path.join(folder, file));
  }
  const output = path.join(toy.folder, 'adapter', name);
  const training = { steps: 30, batchSize: 8, learningRate: 0.02, warmupSteps: 2, maxLength: 18 };
  const lab = cpuLab().use(lora);
  const run = await lab.train({ model: folder, data: { train: toy.train, test: toy.test }, output, training });
  expect(run.metrics.accuracy?.value).toBeGreaterThan(0.5);
  const config = JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8')) as object;
  expect(config).toMatchObject({
    task_type: 'SEQ_CLS',
    target_modules: targets,
    modules_to_save: head,
    fan_in_fan_out: conv1d,
  });
  expect(JSON.parse(await readFile(path.join(output, 'run.json'), 'utf8'))).toMatchObject({
    configuration: { pooling },
  });
  const again = await lab.evaluate({ model: folder, adapter: output, data: toy.test });
  expect(again.predictions).toEqual(run.predictions);
});
