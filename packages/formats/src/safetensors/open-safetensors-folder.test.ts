import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { LoranError } from '@loran/plugin';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromFloat32, toFloat32 } from '../float-values.js';
import { openSafetensorsFolder } from './open-safetensors-folder.js';
import { writeSafetensors } from './write-safetensors.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'loran-formats-'))));
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const tensor = (...values: number[]) =>
  ({ dtype: 'F32', shape: [values.length], data: fromFloat32(new Float32Array(values), 'F32') }) as const;
const index = (weightMap: unknown) => {
  writeFileSync(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: { total_size: 12 }, weight_map: weightMap }),
  );
};
const first = 'model-00001-of-00002.safetensors';
const second = 'model-00002-of-00002.safetensors';

async function writeShards(): Promise<void> {
  await writeSafetensors(join(folder, first), [['a', tensor(1, 2)]], { format: 'pt' });
  await writeSafetensors(join(folder, second), [['b', tensor(3)]]);
}

test('shards read as one file', async () => {
  await writeShards();
  index({ a: first, b: second });
  const file = await openSafetensorsFolder(folder);
  expect([...file.tensors.keys()]).toEqual(['a', 'b']);
  expect(file.metadata.get('format')).toBe('pt');
  expect([...toFloat32((await file.read('b')).data, 'F32')]).toEqual([3]);
  for await (const run of file.values('a')) expect([...run]).toEqual([1, 2]);
  await expect(file.read('c')).rejects.toMatchObject({ code: 'TENSOR_NOT_FOUND' });
  await file.close();
  await expect(file.read('a')).rejects.toMatchObject({ code: 'FILE_CLOSED' });
});

test('a single file is preferred, and another stem can be named', async () => {
  await writeSafetensors(join(folder, 'model.safetensors'), [['whole', tensor(1)]]);
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), [['adapter', tensor(1)]]);
  index({ a: first });
  const whole = await openSafetensorsFolder(folder);
  expect([...whole.tensors.keys()]).toEqual(['whole']);
  await whole.close();
  const adapter = await openSafetensorsFolder(folder, 'adapter_model');
  expect([...adapter.tensors.keys()]).toEqual(['adapter']);
  await adapter.close();
});

test('what is missing is named', async () => {
  await expect(openSafetensorsFolder(join(folder, 'absent'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(openSafetensorsFolder(folder)).rejects.toThrow(
    /neither model\.safetensors nor model\.safetensors\.index\.json/,
  );
  writeFileSync(join(folder, 'pytorch_model.bin'), '');
  await expect(openSafetensorsFolder(folder)).rejects.toThrow(
    /It has pytorch_model\.bin: save the model as safetensors/,
  );
});

test.each([
  ['a shard without the tensor', { a: first, b: first }, /"b" is in model-00001-of-00002\.safetensors, but it is not/],
  ['a path out of the folder', { a: '../model.safetensors' }, /"\.\.\/model\.safetensors"; expected the plain name/],
  ['an absolute path', { a: '/etc/model.safetensors' }, /plain name/],
  ['a number for a file', { a: 1 }, /is in 1; expected/],
  ['a list for a map', ['a'], /no "weight_map"/],
])('an index with %s is refused', async (_, weightMap, says) => {
  await writeShards();
  index(weightMap);
  const opening = openSafetensorsFolder(folder);
  await expect(opening).rejects.toMatchObject({ code: 'SAFETENSORS_INDEX' });
  await expect(opening).rejects.toThrow(says);
});

test('an index that is no JSON, or holds a name twice, is refused; a missing shard is named', async () => {
  await writeShards();
  const path = join(folder, 'model.safetensors.index.json');
  writeFileSync(path, '{');
  await expect(openSafetensorsFolder(folder)).rejects.toMatchObject({ code: 'SAFETENSORS_INDEX' });
  writeFileSync(path, `{"weight_map":{"a":"${first}","a":"${second}"}}`);
  await expect(openSafetensorsFolder(folder)).rejects.toThrow(/"a" twice/);
  index({ a: first, b: 'model-00003-of-00003.safetensors' });
  await expect(openSafetensorsFolder(folder)).rejects.toThrow(/model-00003-of-00003\.safetensors: does not exist/);
  mkdirSync(join(folder, 'model-00003-of-00003.safetensors'));
  await expect(openSafetensorsFolder(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('any index at all is read or refused by name', async () => {
  await writeShards();
  const path = join(folder, 'model.safetensors.index.json');
  const good = JSON.stringify({ metadata: { total_size: 12 }, weight_map: { a: first, b: second } });
  const changed = fc
    .record({
      at: fc.nat(good.length - 1),
      put: fc.constantFrom('"', '{', '}', '[', ']', ':', ',', '.', '\\', '/', '0', 'a', '\0', '\n'),
    })
    .map(({ at, put }) => good.slice(0, at) + put + good.slice(at + 1));
  const mapped = fc.json().map((json) => `{"weight_map":${json}}`);
  const anything = fc.oneof(changed, mapped, fc.json(), fc.string());
  await fc.assert(
    fc.asyncProperty(anything, async (text) => {
      writeFileSync(path, text);
      try {
        await (await openSafetensorsFolder(folder)).close();
      } catch (error) {
        if (!LoranError.is(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  rmSync(path);
  mkdirSync(path);
  await expect(openSafetensorsFolder(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});
