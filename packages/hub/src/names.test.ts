/** Names, patterns and choices, without a server. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { matchesAny } from './file-patterns.js';
import { connect } from './hub-options.js';
import { modelFiles } from './model-files.js';
import { repositoryFrom, staysInside } from './repository.js';

describe('a repository', () => {
  test.each([
    ['gpt2', 'gpt2', 'main'],
    ['HuggingFaceTB/SmolLM2-135M', 'HuggingFaceTB/SmolLM2-135M', 'main'],
    ['org/name@v1.0', 'org/name', 'v1.0'],
    ['org/name@refs/pr/1', 'org/name', 'refs/pr/1'],
  ])('%s', (id, name, revision) => {
    expect(repositoryFrom(id, 'model', undefined)).toEqual({ name, type: 'model', revision });
  });

  test.each([
    '',
    'a/b/c',
    '/a',
    'a/',
    '../a',
    'a/..',
    'a/b--c',
    'a b',
    'a/b?c',
    'org/name@',
    'org/name@../x',
    'org/name@a//b',
    'C:\\models',
    `org/${'x'.repeat(97)}`,
  ])('%j is none', (id) => {
    expect(() => repositoryFrom(id, 'model', undefined)).toThrow(expect.objectContaining({ code: 'HUB_NAME' }));
  });
});

test('a path that stays inside resolves inside, under both systems’ rules', async () => {
  const { posix, win32 } = await import('node:path');
  const part = fc.constantFrom('..', '.', '', 'a', 'b.c', '/', '\\', 'C:', 'C:x', '\0', '...');
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.constantFrom('/', '\\', ''), (parts, separator) => {
      const file = parts.join(separator);
      if (!staysInside(file)) return;
      expect(posix.resolve('/base', file).startsWith('/base/')).toBe(true);
      expect(win32.resolve('D:\\base', file).startsWith('D:\\base\\')).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('patterns mean what regular expressions of them mean, in bounded time', () => {
  const letters = fc.constantFrom('a', 'b', '/', '*', '?', '.');
  const word = fc.array(letters, { maxLength: 8 }).map((list) => list.join(''));
  fc.assert(
    fc.property(word, word, (pattern, path) => {
      const whole = pattern.endsWith('/') ? `${pattern}*` : pattern;
      const source = whole.replace(/[.]/g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.');
      expect(matchesAny(path, [pattern])).toBe(new RegExp(`^${source}$`).test(path));
    }),
    { numRuns: 3000 },
  );
  expect(matchesAny('a'.repeat(1000), [`${'*a'.repeat(200)}b`])).toBe(false);
});

describe('the files of a model', () => {
  const choose = (...paths: string[]) =>
    modelFiles(
      paths.map((path) => ({ path, bytes: 1 })),
      'org/x',
    ).map(({ path }) => path);

  test.each([
    [
      'one file before shards',
      ['model.safetensors', 'model-00001-of-00002.safetensors', 'model.safetensors.index.json'],
      ['model.safetensors'],
    ],
    [
      'shards before the authors’ own',
      ['model-1-of-1.safetensors', 'model.safetensors.index.json', 'consolidated.safetensors'],
      ['model-1-of-1.safetensors', 'model.safetensors.index.json'],
    ],
    ['an odd name where there is no other', ['weights.safetensors', 'x/y.safetensors'], ['weights.safetensors']],
    [
      'an adapter',
      ['adapter_config.json', 'adapter_model.safetensors', 'adapter_model.bin'],
      ['adapter_config.json', 'adapter_model.safetensors'],
    ],
    [
      "an adapter in torch's file, in parts",
      ['adapter_config.json', 'adapter_model.bin.aa', 'adapter_model.bin.ab', 'README.md'],
      ['adapter_config.json', 'adapter_model.bin.aa', 'adapter_model.bin.ab'],
    ],
    [
      'an adapter beside a model',
      ['adapter_model.safetensors', 'model.safetensors'],
      ['adapter_model.safetensors', 'model.safetensors'],
    ],
    [
      'templates and poolings',
      [
        'model.safetensors',
        'chat_template.json',
        'additional_chat_templates/tools.jinja',
        '2_Dense/model.safetensors',
        '2_Dense/config.json',
        'x/config.json',
      ],
      [
        'chat_template.json',
        'additional_chat_templates/tools.jinja',
        '2_Dense/model.safetensors',
        '2_Dense/config.json',
        'model.safetensors',
      ],
    ],
  ])('%s', (_, paths, expected) => {
    expect(choose(...paths).sort()).toEqual([...expected].sort());
  });

  test.each([
    [
      ['pytorch_model.bin', 'tf_model.h5', 'README.md'],
      /no safetensors\. It has pytorch_model\.bin \(1 bytes\), tf_model\.h5/,
    ],
    [['x.Q4_0.gguf', 'config.json'], /Name one of its GGUF files by the file option: x\.Q4_0\.gguf/],
    [['adapter_model.bin'], /no safetensors/],
    [[], /It has no files/],
    [['2_Dense/model.safetensors'], /no safetensors/],
  ])('%j has none', (paths, message) => {
    expect(() => choose(...paths)).toThrow(message);
  });
});

test('settings: the call before the environment, and what they mean', () => {
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_ENDPOINT', 'HF_HUB_CACHE'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('HF_HOME', '/nowhere');
  expect(connect({})).toMatchObject({
    endpoint: 'https://huggingface.co',
    token: undefined,
    offline: false,
    cacheFolder: '/nowhere/hub',
  });
  vi.stubEnv('HF_ENDPOINT', 'https://mirror.example/hub//');
  vi.stubEnv('HF_HUB_OFFLINE', 'yes');
  vi.stubEnv('HF_TOKEN', 'hf_x');
  expect(connect({})).toMatchObject({
    endpoint: 'https://mirror.example/hub',
    offline: true,
    token: { value: 'hf_x', from: 'HF_TOKEN' },
  });
  expect(connect({ offline: false, token: 'hf_y', cacheFolder: '/c' })).toMatchObject({
    offline: false,
    token: { value: 'hf_y' },
    cacheFolder: '/c',
  });
  vi.unstubAllEnvs();
});
