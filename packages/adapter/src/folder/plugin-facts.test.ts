import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSafetensors } from '@loran/formats';
import { type Plugin, UnknownPluginError } from '@loran/plugin';
import { openEngine, portableEngine } from '@loran/tensor';
import { z } from 'zod';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { AdapterSet } from '../adapter-set.js';
import type { AdapterMethod } from '../contract/adapter-method.js';
import { Slot } from '../slot.js';
import { frozenTensor } from '../storage/fp32.js';
import { ia3 } from '../__fixtures__/trials/ia3.js';
import { loadAdapter } from './load-adapter.js';
import { readPluginFacts } from './plugin-facts.js';
import { saveAdapter } from './save-adapter.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const ripple: Plugin = { kind: 'activation', name: 'ripple', package: 'loran-ripple', version: '1.2.0' };
const storage: Plugin = { kind: 'base-storage', name: 'tern', package: '@some/tern', version: '0.3.1' };

/** A method of another package, which looks an activation up by the name in its configuration. */
const method = (inPeft = false): AdapterMethod => ({
  ...(ia3 as unknown as AdapterMethod),
  name: 'waves',
  package: 'loran-waves',
  version: '2.0.0',
  config: z.object({ activation: z.string().default('ripple') }),
  formats: [
    {
      name: 'peft',
      peftType: 'WAVES',
      inPeft,
      suffixes: new Map([['factor', 'waves']]),
      toFile: (config) => ({ activation: (config as { activation: string }).activation }),
      fromFile: ({ activation }) => ({ activation }),
    },
  ],
  create: (frozen, config, context) => {
    context.resolve('activation', (config as { activation: string }).activation);
    return ia3.create(frozen, config as never, context);
  },
});
const resolve = (kind: Plugin['kind'], name: string): Plugin => {
  if (name !== ripple.name) throw new UnknownPluginError(kind, name, []);
  return ripple;
};
const model = () => {
  const slot = new Slot('dense', frozenTensor(tf.ones([3, 4])));
  return new AdapterSet({ modules: () => new Map([[slot.path, slot]]) });
};
const file = () => path.join(folder, 'adapter_config.json');
const fields = async () => JSON.parse(await readFile(file(), 'utf8')) as Record<string, unknown>;
const facts = ({ kind, name, package: from, version }: Plugin) => ({ kind, name, package: from, version });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-plugins-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the configuration names the plugins with their packages; without one, the error says what to install', async () => {
  const own = method();
  await saveAdapter(await model().add({ method: own, targetModules: ['dense'], resolve }), folder, {
    plugins: [storage],
  });
  expect((await fields()).plugins).toEqual([facts(ripple), facts(own), facts(storage)]);
  expect(await readPluginFacts(folder)).toEqual([facts(ripple), facts(own), facts(storage)]);

  const none = model();
  await expect(loadAdapter(none, folder, { methods: [ia3] })).rejects.toMatchObject({
    code: 'UNKNOWN_PEFT_TYPE',
    message: expect.stringMatching(/'WAVES'.*read IA3.*'waves' of the npm package loran-waves \(version 2\.0\.0\).*npm install loran-waves/) as string, // prettier-ignore
  });
  await expect(loadAdapter(none, folder, { methods: [own] })).rejects.toMatchObject({
    code: 'UNKNOWN_PLUGIN',
    message: expect.stringMatching(/activation 'ripple' of the npm package loran-ripple .*npm install loran-ripple/) as string, // prettier-ignore
  });
  expect(none.names()).toEqual([]);
  expect((await loadAdapter(none, folder, { methods: [own], resolve })).warnings).toEqual([]);
});

test("where PEFT has the method, its file keeps PEFT's fields alone, and the weights' metadata tell", async () => {
  await saveAdapter(await model().add({ method: method(true), targetModules: ['dense'], resolve }), folder);
  expect(await fields()).not.toHaveProperty('plugins');
  const weights = await openSafetensors(path.join(folder, 'adapter_model.safetensors'));
  expect(JSON.parse(weights.metadata.get('plugins')!)).toEqual([facts(ripple)]);
  await weights.close();
  await expect(loadAdapter(model(), folder, { methods: [method(true)] })).rejects.toThrow(/npm install loran-ripple/);
});

test('a plugin of the same name by others is said; one that a script defined is told as such', async () => {
  await saveAdapter(await model().add({ method: method(), targetModules: ['dense'], resolve }), folder);
  const foreign = { ...method(), package: 'other-waves' };
  expect((await loadAdapter(model(), folder, { methods: [foreign], resolve })).warnings).toEqual([
    expect.stringMatching(/'waves' of loran-waves; the one at hand is of other-waves/),
  ]);
  const scripted = { ...method(), package: null, version: null };
  await saveAdapter(await model().add({ method: scripted, targetModules: ['dense'], resolve }), folder);
  await expect(loadAdapter(model(), folder, { methods: [] })).rejects.toThrow(
    /'waves', which a program defined.*use\(\)/,
  );
});

test.each([
  ['a command for a package', [{ ...facts(ripple), kind: 'adapter-method', package: 'x; rm -rf ~' }]],
  ['an option for a package', [{ ...facts(ripple), kind: 'adapter-method', package: '--force' }]],
  ['no list', { kind: 'adapter-method' }],
  ['numbers', [1, 2]],
])('%s is not repeated', async (_, plugins) => {
  await saveAdapter(await model().add({ method: method(), targetModules: ['dense'], resolve }), folder);
  await writeFile(file(), JSON.stringify({ ...(await fields()), plugins }));
  await expect(loadAdapter(model(), folder, { methods: [] })).rejects.toThrow(
    /none\. Register the method that made it\.$/,
  );
});
