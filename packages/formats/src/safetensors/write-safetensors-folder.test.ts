import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromFloat32 } from '../float-values.js';
import type { TensorBytes } from '../tensor-bytes.js';
import { openSafetensorsFolder } from './open-safetensors-folder.js';
import { writeSafetensorsFolder } from './write-safetensors-folder.js';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'loran-formats-'));
  folder = join(parent, 'merged');
});
afterEach(() => {
  rmSync(parent, { recursive: true });
});

const golden = fileURLToPath(new URL('../__fixtures__/shards', import.meta.url));
const tensor = (...values: number[]) =>
  ({ dtype: 'F32', shape: [values.length], data: fromFloat32(new Float32Array(values), 'F32') }) as const;
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown;

test('shards and index are those that huggingface_hub writes for the same tensors', async () => {
  const file = await openSafetensorsFolder(golden);
  const tensors: [string, TensorBytes][] = [];
  // in the order of the model, not of the files
  for (const name of ['model.embed', 'model.layers.10.w', 'model.layers.2.w', 'model.big', 'model.norm', 'é'])
    tensors.push([name, await file.read(name)]);
  await file.close();
  const reports: [number, number][] = [];
  const onProgress = (...report: [number, number]) => reports.push(report);
  const written = await writeSafetensorsFolder(folder, tensors, { maxShardBytes: 100, onProgress });
  const bytes = tensors.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
  expect(reports[0]).toEqual([0, bytes]);
  expect(reports.filter(([done, all]) => done === all)).toEqual([[bytes, bytes]]);
  expect(reports.at(-1)).toEqual([bytes, bytes]);
  expect([...written].sort()).toEqual(readdirSync(golden).sort());
  expect(readdirSync(folder).sort()).toEqual(readdirSync(golden).sort());
  for (const name of readdirSync(golden)) {
    if (name.endsWith('.json')) expect(json(join(folder, name))).toEqual(json(join(golden, name)));
    else
      expect({ name, same: readFileSync(join(folder, name)).equals(readFileSync(join(golden, name))) }).toEqual({
        name,
        same: true,
      });
  }
});

test('what fits into one file is one file, without an index', async () => {
  expect(await writeSafetensorsFolder(folder, [['a', tensor(1)]])).toEqual(['model.safetensors']);
  expect(await writeSafetensorsFolder(folder, [], { stem: 'adapter_model' })).toEqual(['adapter_model.safetensors']);
  expect(readdirSync(folder)).toEqual(['adapter_model.safetensors', 'model.safetensors']);
  const file = await openSafetensorsFolder(folder);
  expect(file.metadata.get('format')).toBe('pt');
  await file.close();
});

test('older weights of the same name go, whichever way they were stored; other files stay', async () => {
  const three = [1, 2, 3].map((n) => [`t${n}`, tensor(n)] as const);
  mkdirSync(folder);
  for (const name of ['config.json', 'model_optimizer-00001-of-00002.safetensors', 'consolidated.safetensors'])
    writeFileSync(join(folder, name), 'kept');
  const others = readdirSync(folder);
  const weights = () => readdirSync(folder).filter((name) => !others.includes(name));
  const read = async () => {
    const file = await openSafetensorsFolder(folder);
    const names = [...file.tensors.keys()];
    await file.close();
    return names;
  };
  await writeSafetensorsFolder(folder, three, { maxShardBytes: 4 });
  expect(weights()).toHaveLength(4);
  await writeSafetensorsFolder(folder, three.slice(0, 2), { maxShardBytes: 4 });
  expect(weights()).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ]);
  expect(await read()).toEqual(['t1', 't2']);
  await writeSafetensorsFolder(folder, three);
  expect(weights()).toEqual(['model.safetensors']);
  await writeSafetensorsFolder(folder, three, { maxShardBytes: 8 });
  expect(weights()).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ]);
  expect(await read()).toEqual(['t1', 't2', 't3']);
  for (const name of others) expect(readFileSync(join(folder, name), 'utf8')).toBe('kept');
});

test('a failure in the last shard keeps every old file', async () => {
  await writeSafetensorsFolder(
    folder,
    [
      ['old1', tensor(1)],
      ['old2', tensor(2)],
    ],
    { maxShardBytes: 4 },
  );
  const before = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]);
  const broken = {
    dtype: 'F32',
    shape: [1],
    async *chunks(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(2);
      throw new TypeError('the source broke');
    },
  } as const;
  await expect(
    writeSafetensorsFolder(
      folder,
      [
        ['a', tensor(1)],
        ['b', broken],
      ],
      { maxShardBytes: 4 },
    ),
  ).rejects.toThrow(TypeError);
  await expect(
    writeSafetensorsFolder(
      folder,
      [
        ['a', tensor(1)],
        ['a', tensor(1)],
      ],
      { maxShardBytes: 4 },
    ),
  ).rejects.toMatchObject({ code: 'INVALID_TENSOR' });
  expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')])).toEqual(before);
});

test('a file where the folder should be is named', async () => {
  writeFileSync(folder, '');
  await expect(writeSafetensorsFolder(folder, [])).rejects.toMatchObject({ code: 'WRITE_FAILED', file: folder });
});
