/** The program, run in this process on a tiny random BERT with the default engine. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';

const model = fileURLToPath(new URL('../../models/src/__fixtures__/tiny-bert', import.meta.url));
let folder: string;
let posts: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-cli-'));
  posts = path.join(folder, 'posts.jsonl');
  const rows = Array.from({ length: 24 }, (_, i) => ({
    text: `the cat is ${i % 2 ? 'good' : 'bad'}`,
    label: i % 2 ? 'ham' : 'spam',
  }));
  await writeFile(posts, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const short = ['--steps', '2', '--batch-size', '8', '--device', 'cpu'];
describe('train and evaluate', () => {
  test('LoRAN over NF4 in one command; evaluate finds labels and storage in the run', async () => {
    const output = path.join(folder, 'loran');
    const trained = await run(
      ...['train', '--model', model, '--data', posts, '--method', 'loran', '--base', 'nf4', '--activation', 'sinter'],
      ...['--rank', '2', '--alpha', '4', '--output', output, '--json', ...short],
    );
    expect(trained.err).not.toContain('error');
    expect(trained.exitCode).toBe(0);
    const result = lastJson(trained.out);
    expect(result).toMatchObject({ examples: 2, labels: ['ham', 'spam'], steps: 2, folder: output });
    expect(Object.keys(result.metrics)).toEqual(['accuracy', 'macro-f1']);
    const { value, low, high } = result.metrics.accuracy ?? {};
    expect([value, low, high].every(Number.isFinite)).toBe(true);
    expect(trained.err).toContain('loss');
    expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORAN',
      r: 2,
    });

    const measured = await run(
      ...['evaluate', '--model', model, '--adapter', output, '--data', posts, '--evaluators', 'accuracy,mcc', '--json'],
    );
    expect(measured.err).not.toContain('error');
    expect(lastJson(measured.out)).toMatchObject({ examples: 24, labels: ['ham', 'spam'] });
    expect(Object.keys(lastJson(measured.out).metrics)).toEqual(['accuracy', 'mcc']);

    const plain = await run('train', '--model', model, '--data', posts, '--output', `${output}-2`, '--quiet', ...short);
    expect(plain.out).toMatch(/^accuracy +\d/m);
    expect(plain.out).toMatch(/^trainable params: [\d,]+ \|\| all params: [\d,]+ \|\| trainable%: [\d.]+$/m);
    expect(plain.out).toContain(`Adapter: ${output}-2`);

    const again = await run('train', '--model', model, '--data', posts, '--output', output, ...short);
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringMatching(/RUN_FOLDER_IN_USE.*overwrite/) as string });
  });

  test('a configuration may name the data shortly', async () => {
    const config = path.join(folder, 'short.yaml');
    await writeFile(config, `model: ${model}\ndata: ${posts}\ntraining: { steps: 1, batchSize: 8 }\n`);
    const { exitCode, out } = await run(
      'train',
      '--config',
      config,
      '--test-share',
      '0.5',
      '--device',
      'cpu',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(lastJson(out)).toMatchObject({ steps: 1, examples: 12 });
  });

  test('a configuration file, with flags on top', async () => {
    const config = path.join(folder, 'run.yaml');
    await writeFile(
      config,
      `model: ${model}\ndata: { train: ${posts}, testShare: 0 }\nadapter: { rank: 3 }\ntraining: { steps: 9, batchSize: 8 }\n`,
    );
    const output = path.join(folder, 'configured');
    const { exitCode, out } = await run(
      'train',
      '--config',
      config,
      '--steps',
      '1',
      '--output',
      output,
      '--set',
      'rsLora=true',
      '--device',
      'cpu',
      '--json',
      '--quiet',
    );
    expect(exitCode).toBe(0);
    expect(lastJson(out)).toMatchObject({ steps: 1, examples: 0, metrics: {} });
    expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
      r: 3,
      use_rslora: true,
    });
  });
});

describe('list', () => {
  test('names every plugin by kind', async () => {
    const { exitCode, out } = await run('list');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^methods +lora, .*\bloran\b/m);
    expect(out).toMatch(/^bases +fp32, bf16, nf4, fp4, int8$/m);
    expect(out).toMatch(/^engines +onnxruntime, tensorflow$/m);
    expect(out).toMatch(/^activations .*sinter/m);
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({
      methods: expect.arrayContaining([
        expect.objectContaining({ name: 'lora', package: '@loran/lora' }),
        expect.objectContaining({ name: 'loran', package: '@loran/loran' }),
      ]) as unknown,
    });
  });

  test('those of a plugin module too', async () => {
    const plugin = path.join(folder, 'mine.mjs');
    await writeFile(plugin, "export const mine = { kind: 'activation', name: 'mine', package: null, version: null };");
    expect((await run('list', '--plugin', plugin)).out).toMatch(/^activations .*mine$/m);
  });
});

describe('mistakes', () => {
  test.each([
    ['no model', ['train', '--data', 'x.jsonl'], /INVALID_OPTIONS.*model/],
    [
      'an unknown method',
      ['train', '--model', 'm', '--data', '$posts', '--method', 'lorra'],
      /UNKNOWN_PLUGIN.*Did you mean 'lora'/,
    ],
    ['a rank of 0', ['train', '--model', '$model', '--data', '$posts', '--rank', '0'], /INVALID_CONFIG.*rank/],
    ['a rank above the width', ['train', '--model', '$model', '--data', '$posts', '--rank', '25'], /rank|RANK/],
    [
      'modules that are not there',
      ['train', '--model', '$model', '--data', '$posts', '--target-modules', 'q_proj'],
      /TARGET_MODULES_NOT_FOUND.*'query'/,
    ],
    ['an unknown flag', ['train', '--modle', 'm'], /unknown option '--modle'.*\n?.*--model/],
    ['a number that is none', ['train', '--rank', 'eight'], /should be a number/],
    [
      'an unknown engine',
      ['train', '--model', 'm', '--data', '$posts', '--engine', 'onnx'],
      /UNKNOWN_PLUGIN.*onnxruntime/,
    ],
    ['a configuration that is not there', ['train', '--config', 'nowhere.yaml'], /CONFIG_NOT_FOUND/],
    [
      'an adapter that is not there',
      ['evaluate', '--model', '$model', '--adapter', '$folder', '--data', '$posts'],
      /ADAPTER_NOT_FOUND/,
    ],
  ])('%s', async (_, args, message) => {
    const filled = args.map((arg) => ({ $model: model, $posts: posts, $folder: folder })[arg] ?? arg);
    const { exitCode, out, err } = await run(...filled);
    expect(err).toMatch(message);
    expect(exitCode).toBe(1);
    expect(out).toBe('');
  });
});
