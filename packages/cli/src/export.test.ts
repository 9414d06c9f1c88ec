/** Merging and converting on the command line: what is written continues a text as the adapter does. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

const cpu = ['--device', 'cpu'];
let folder: string;
let model: string;
let adapter: string;
let adapted: unknown;

const continued = async (...flags: string[]) => {
  const made = await run('generate', ...flags, '--prompt', '3+1=', '--max-new-tokens', '8', '--json', ...cpu);
  expect(made.err).not.toContain('error');
  return lastJson(made.out)['tokens'];
};

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('export'));
  const pairs = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, completion: `${i + 1} yes` }));
  await writeFile(pairs, rows.join('\n'));
  adapter = path.join(folder, 'adapter');
  const trained = await run(
    ...[
      'train',
      '--model',
      model,
      '--data',
      pairs,
      '--test-share',
      '0',
      '--steps',
      '10',
      '--batch-size',
      '8',
      '--rank',
      '4',
    ],
    ...[
      '--learning-rate',
      '0.05',
      '--target-modules',
      'q_proj,v_proj,down_proj',
      '--output',
      adapter,
      '--quiet',
      ...cpu,
    ],
  );
  expect(trained.err).not.toContain('error');
  adapted = await continued('--model', model, '--adapter', adapter);
  expect(adapted).not.toEqual(await continued('--model', model));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

describe('models', () => {
  test('merge writes a folder that needs no adapter', async () => {
    const output = path.join(folder, 'merged');
    const merged = await run('merge', '--model', model, '--adapter', adapter, '--output', output, '--json', ...cpu);
    expect(merged.err).not.toContain('error');
    expect(lastJson(merged.out)).toEqual({ output, format: 'hf', warnings: [] });
    expect(await readdir(output)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    expect(await continued('--model', output)).toEqual(adapted);
    const again = await run('merge', '--model', model, '--adapter', adapter, '--output', output, ...cpu);
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringContaining('FOLDER_NOT_EMPTY') as string });
    expect((await run('merge', '--model', model, '--output', output, '--overwrite', ...cpu)).exitCode).toBe(0);
  });
});

describe('combine', () => {
  const both = (...flags: string[]) =>
    run('combine', '--model', model, '--adapter', adapter, '--adapter', adapter, ...flags, '--json', ...cpu);

  test('weights that sum to 1 of the same adapter twice give that adapter', async () => {
    const output = path.join(folder, 'combined');
    const made = await both('--weights', '0.25,0.75', '--type', 'cat', '--output', output);
    expect(made.err).not.toContain('error');
    expect(lastJson(made.out)).toEqual({ output, type: 'cat', lost: 0, warnings: [] });
    expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      base_model_name_or_path: model,
      task_type: 'CAUSAL_LM',
    });
    expect(await continued('--model', model, '--adapter', output)).toEqual(adapted);
    const again = await both('--weights', '1,-1', '--output', output);
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringContaining('FOLDER_NOT_EMPTY') as string });
  });

  test('what does not fit together is said', async () => {
    const output = path.join(folder, 'none');
    expect((await both('--weights', '1', '--output', output)).err).toMatch(/INVALID_COMBINATION.*2 adapters/);
    expect((await both('--weights', '1,one', '--output', output)).err).toContain('It should be a number');
    expect((await both('--weights', '1,1', '--type', 'ties', '--output', output)).err).toMatch(/density/);
    expect(await readdir(folder)).not.toContain('none');
  });
});

describe('4 bits', () => {
  test('a checkpoint as bitsandbytes has it is loaded as it is', async () => {
    const output = path.join(folder, 'packed');
    const made = await run('convert', '--model', model, '--to', 'bnb-nf4', '--output', output, ...cpu);
    expect(made.err).not.toContain('error');
    const { tensors } = JSON.parse((await run('inspect', output, '--json')).out) as { tensors: { name: string }[] };
    expect(tensors.some(({ name }) => name.endsWith('q_proj.weight.quant_state.bitsandbytes__nf4'))).toBe(true);
    const packed = await continued('--model', output, '--base', 'nf4');
    expect(packed).toEqual(await continued('--model', model, '--base', 'nf4'));
    expect(await continued('--model', output)).toEqual(packed); // what is packed stays so, whatever the base
    const again = path.join(folder, 'nf4-again');
    const flags = ['--to', 'bnb-nf4', '--base', 'nf4:blockSize=128', '--output', again, ...cpu];
    expect((await run('convert', '--model', output, ...flags)).err).toMatch(
      /21 layers.* came in nf4 and stay as they are/,
    );
  });

  test('FP4, with another block size and plain maxima', async () => {
    const output = path.join(folder, 'fp4');
    const base = 'fp4:blockSize=128,doubleQuantisation=false';
    const made = await run('convert', '--model', model, '--to', 'bnb-fp4', '--base', base, '--output', output, ...cpu);
    expect(made.err).toMatch(/warning: Weights were quantised: by [\d.]+ % of their size/);
    const config = JSON.parse(await readFile(path.join(output, 'config.json'), 'utf8')) as Record<string, object>;
    expect(config['quantization_config']).toMatchObject({
      bnb_4bit_quant_type: 'fp4',
      bnb_4bit_use_double_quant: false,
    });
    const bytes = await readFile(path.join(output, 'model.safetensors'), 'latin1');
    expect(bytes).toContain('"quant_type": "fp4", "blocksize": 128');
    expect(await continued('--model', output)).toEqual(await continued('--model', model, '--base', base));
  });
});

describe('ONNX', () => {
  test('a model with inputs for adapters, and a file that fills them', async () => {
    const output = path.join(folder, 'onnx');
    const convert = (...flags: string[]) => run('convert', '--model', model, ...flags, ...cpu);
    const made = await convert('--to', 'onnx', '--adapter-inputs', 'q_proj,v_proj,down_proj', '--output', output);
    expect(made.err).not.toContain('error');
    expect(await readdir(output)).toEqual(expect.arrayContaining(['config.json', 'onnx', 'tokenizer.json']));
    const graph = await readFile(path.join(output, 'onnx/model.onnx'));
    const file = path.join(folder, 'numbers.onnx_adapter');
    expect((await convert('--adapter', adapter, '--to', 'onnx-adapter', '--output', file)).exitCode).toBe(0);
    const bytes = await readFile(file, 'latin1');
    const names = bytes.match(/model\.layers\.\d+\.[\w.]+?\.lora_[AB]\.weight/g) ?? [];
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !graph.includes(name))).toEqual([]);
  });
});

describe('adapters', () => {
  test('to MLX and back to PEFT', async () => {
    const [mlx, peft] = [path.join(folder, 'mlx'), path.join(folder, 'peft')];
    const convert = (from: string, to: string, output: string) =>
      run('convert', '--model', model, '--adapter', from, '--to', to, '--output', output, ...cpu);
    expect((await convert(adapter, 'mlx', mlx)).out).toContain(`Written: ${mlx}`);
    expect((await readdir(mlx)).sort()).toEqual(['adapter_config.json', 'adapters.safetensors']);
    expect((await convert(mlx, 'peft', peft)).exitCode).toBe(0);
    expect(await continued('--model', model, '--adapter', peft)).toEqual(adapted);
  });

  test('to llama.cpp and back', async () => {
    const output = path.join(folder, 'adapter.gguf');
    const made = await run(
      'convert',
      '--model',
      model,
      '--adapter',
      adapter,
      '--to',
      'gguf-lora',
      '--output',
      output,
      ...cpu,
    );
    expect(made.err).not.toContain('error');
    const { facts } = JSON.parse((await run('inspect', output, '--json')).out) as { facts: Record<string, unknown> };
    expect(facts).toMatchObject({ 'general.type': 'adapter', 'adapter.type': 'lora', 'adapter.lora.alpha': 8 });
    const back = path.join(folder, 'back');
    await run('convert', '--model', model, '--adapter', output, '--to', 'peft', '--output', back, ...cpu);
    expect(await continued('--model', model, '--adapter', back)).toEqual(adapted);
  });
});

describe('mistakes', () => {
  test.each([
    [
      'an unknown format',
      ['convert', '--model', '$model', '--to', 'ggml', '--output', 'x'],
      /Allowed choices are hf, bnb-nf4, bnb-fp4, gguf/,
    ],
    ['no format', ['convert', '--model', '$model', '--output', 'x'], /--to <format>' not specified/],
    [
      'a type that the format lacks',
      ['merge', '--model', '$model', '--dtype', 'q8_0', '--output', 'x'],
      /FORMAT_DTYPE.*F32, F16, BF16/,
    ],
    [
      'another base storage than the format has',
      ['convert', '--model', '$model', '--to', 'bnb-nf4', '--base', 'bf16', '--output', 'x'],
      /FORMAT_BASE.*'nf4'; the base storage 'bf16' was asked for/,
    ],
    [
      'a block size that there is not',
      ['convert', '--model', '$model', '--to', 'bnb-nf4', '--base', 'nf4:blockSize=48', '--output', 'x'],
      /INVALID_BLOCK_SIZE.*48; expected one of 32, 64/,
    ],
    [
      'options of a storage that has none',
      ['merge', '--model', '$model', '--base', 'bf16:blockSize=64', '--output', 'x'],
      /INVALID_STORAGE_OPTIONS.*'bf16' has no options/,
    ],
    ['no adapter', ['convert', '--model', '$model', '--to', 'mlx', '--output', 'x'], /NO_ADAPTER.*--adapter/],
    [
      'the folder of the model',
      ['merge', '--model', '$model', '--output', '$model'],
      /NOT_EXPORTABLE|FOLDER_NOT_EMPTY/,
    ],
  ])('%s', async (_, args, message) => {
    const filled = args.map((arg) => (arg === '$model' ? model : arg));
    const { exitCode, err } = await run(...filled);
    expect(err).toMatch(message);
    expect(exitCode).toBe(1);
  });
});
