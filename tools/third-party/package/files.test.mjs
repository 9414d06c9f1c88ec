/** The plugins by `use()`, in an adapter's files, and missed when they are not there. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  adapterParameters,
  AdapterSet,
  loadAdapter,
  missingPlugin,
  readPluginFacts,
  saveAdapter,
} from '@loran/adapter';
import { createLab } from '@loran/experiments';
import { loran } from '@loran/loran';
import { openEngine, portableEngine } from '@loran/tensor';
import { tinyModel } from '@loran/testing';
import { hadamard, int16, softsign } from 'loran-third-party-example';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

const { name, version } = createRequire(import.meta.url)('./node_modules/loran-third-party-example/package.json');
const own = (kind, plugin) => ({ kind, name: plugin, package: name, version });
const install = (kind, plugin) =>
  new RegExp(`${kind} '${plugin}' of the npm package ${name} \\(version ${version}\\).*npm install ${name}`);

beforeAll(() => openEngine(portableEngine('cpu')));

let folder;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-third-party-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What a lab finds by name. */
const found = (lab) => ({
  methods: lab.plugins('adapter-method').list(),
  resolve: (kind, wanted) => lab.plugins(kind).get(wanted),
});
const everything = () => found(createLab().use(loran, hadamard, softsign, int16));

async function adapted(storage = int16) {
  return new AdapterSet(await tinyModel({ storage }));
}
const targetModules = ['encoder.first', 'encoder.second'];

async function values(adapter) {
  const all = [...adapterParameters(adapter)].map(async ([key, parameter]) => [key, [...(await parameter.data())]]);
  return Object.fromEntries(await Promise.all(all));
}

test('a lab finds them by their names, and the files name their package', async () => {
  const { methods, resolve } = everything();
  expect(methods).toContain(hadamard);
  const set = await adapted(resolve('base-storage', 'int16'));
  const method = resolve('adapter-method', 'hadamard');
  const adapter = await set.add({ method, config: { rank: 2 }, targetModules });
  for (const parameter of adapterParameters(adapter).values()) parameter.assign(tf.add(parameter, 0.25));
  await saveAdapter(adapter, folder, { plugins: [int16] });

  const config = JSON.parse(await readFile(path.join(folder, 'adapter_config.json'), 'utf8'));
  expect(config.plugins).toEqual([own('adapter-method', 'hadamard'), own('base-storage', 'int16')]);
  const loaded = await loadAdapter(await adapted(), folder, { methods, resolve });
  expect(loaded.warnings).toEqual([]);
  expect(await values(loaded)).toEqual(await values(adapter));
});

test('without the method, or the base, the error says what to install', async () => {
  const adapter = await (await adapted()).add({ method: hadamard, config: { rank: 2 }, targetModules });
  await saveAdapter(adapter, folder, { plugins: [int16] });
  const without = found(createLab().use(loran));
  const loading = loadAdapter(await adapted(), folder, without);
  await expect(loading).rejects.toMatchObject({ code: 'UNKNOWN_PEFT_TYPE' });
  await expect(loading).rejects.toThrow(install('adapter-method', 'hadamard'));
  const base = { kind: 'base-storage', name: 'int16' };
  expect(() => without.resolve(base.kind, base.name)).toThrow("'int16'");
  const missing = missingPlugin('UNKNOWN_PLUGIN', folder, await readPluginFacts(folder), base);
  expect(missing?.message).toMatch(install('base-storage', 'int16'));
});

test('the same for the activation, in an adapter of another package', async () => {
  const { methods, resolve } = everything();
  const options = { method: loran, config: { rank: 2, activation: 'softsign' }, targetModules, resolve };
  const adapter = await (await adapted()).add(options);
  await saveAdapter(adapter, folder);
  expect(await readPluginFacts(folder)).toContainEqual(own('activation', 'softsign'));
  expect(await values(await loadAdapter(await adapted(), folder, { methods, resolve }))).toEqual(await values(adapter));
  const loading = loadAdapter(await adapted(), folder, found(createLab().use(loran)));
  await expect(loading).rejects.toMatchObject({ code: 'UNKNOWN_PLUGIN' });
  await expect(loading).rejects.toThrow(install('activation', 'softsign'));
});
