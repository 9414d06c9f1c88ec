import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyOfTinyBert } from '../__fixtures__/golden.js';
import { openModel } from './open-source.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));

/** A file of equal length with a text replaced, so that its header stays whole. */
function withText(file: string, from: string, to: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`${from} cannot become ${to}`);
  bytes.write(to, at);
  writeFileSync(file, bytes);
}

describe('what a path is', () => {
  let folder: string;
  const put = (name: string, as = `${name}.gguf`) => copyFileSync(fixture(`gguf/${name}.gguf`), join(folder, as));
  const types = async (path: string) => {
    const { config, weights } = await openModel(path);
    await weights.close();
    return config['model_type'];
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'loran-open-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('a folder with one GGUF file is that model; with two it must be said which', async () => {
    put('qwen2');
    expect(await types(folder)).toBe('qwen2');
    put('llama');
    await expect(openModel(folder)).rejects.toThrow(/has 2 models: llama\.gguf, qwen2\.gguf\. Give the path of one/);
    expect(await types(join(folder, 'llama.gguf'))).toBe('llama');
  });

  test('safetensors in a folder come before a GGUF file', async () => {
    const bert = copyOfTinyBert();
    copyFileSync(fixture('gguf/llama.gguf'), join(bert, 'model.gguf'));
    expect(await types(bert)).toBe('bert');
    rmSync(bert, { recursive: true });
  });

  test('other files and folders are told what to be', async () => {
    writeFileSync(join(folder, 'model.onnx'), '');
    await expect(openModel(join(folder, 'model.onnx'))).rejects.toThrow(/unknown kind\. Give a \.gguf file/);
    await expect(openModel(folder)).rejects.toThrow(/has no config\.json/);
    await expect(openModel(join(folder, 'absent.gguf'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('a config.json beside a GGUF file adds what it says, unless it is of another model', async () => {
    put('llama');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'mistral', sliding_window: 8 }));
    const { config, weights } = await openModel(folder);
    await weights.close();
    expect(config).toMatchObject({ model_type: 'mistral', sliding_window: 8, hidden_size: 16, rope_theta: 10000 });
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'qwen2' }));
    await expect(openModel(folder)).rejects.toThrow(/another model's.*its model_type is "qwen2"/);
  });

  test('a tokenizer.json beside a GGUF file comes before its own', async () => {
    put('llama');
    cpSync(fixture('tokenizers/gpt2/tokenizer.json'), join(folder, 'tokenizer.json'));
    const { tokenizer, weights } = await openModel(folder);
    await weights.close();
    expect(tokenizer.vocabularySize).toBe(420);
  });

  test('an unknown architecture lists the known', async () => {
    put('llama');
    withText(
      join(folder, 'llama.gguf'),
      'general.architecture\u0008\0\0\0\u0005\0\0\0\0\0\0\0llama',
      'general.architecture\u0008\0\0\0\u0005\0\0\0\0\0\0\0camel',
    );
    await expect(openModel(folder)).rejects.toThrow(/architecture 'camel'.*Known are llama, qwen2, qwen3, gemma2/);
  });

  test('a missing field, layers beyond the tensors, and a missing embedding are named', async () => {
    const file = join(folder, 'llama.gguf');
    put('llama');
    withText(file, 'llama.block_count', 'llama.block_caunt');
    await expect(openModel(file)).rejects.toThrow(/'llama\.block_count' is missing; expected a number/);
    put('llama');
    withText(file, 'llama.block_count\u0004\0\0\0\u0002', 'llama.block_count\u0004\0\0\0\u007f');
    await expect(openModel(file)).rejects.toThrow(/claims 127 layers, but the file has \d+ tensors/);
    put('llama');
    withText(file, 'token_embd.weight', 'token_embd.wright');
    await expect(openModel(file)).rejects.toMatchObject({ code: 'MISSING_WEIGHTS' });
  });

  test('a llama2.c checkpoint without its tokenizer says which file is missing', async () => {
    const sizes = Int32Array.of(4, 8, 1, 1, 1, 3, 2);
    const floats = 3 * 4 + 4 + 4 * 16 + 4 + 3 * 32 + 4 + 2 * 2 * 2;
    const file = join(folder, 'tiny.bin');
    writeFileSync(file, Buffer.concat([Buffer.from(sizes.buffer), Buffer.alloc(4 * floats)]));
    await expect(openModel(folder)).rejects.toThrow(/neither tok3\.bin nor tokenizer\.bin/);
    writeFileSync(join(folder, 'tok3.bin'), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 97]));
    await expect(openModel(file)).rejects.toThrow(/has 1 tokens, but .*tiny\.bin is for 3/);
  });
});
