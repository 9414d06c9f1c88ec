/** Laws about an adapter's files, in each of its formats. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { adapterParameters, AdapterSet, fp32, loadAdapter, saveAdapter, type Adapter } from '@loran/adapter';
import { openSafetensors } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { expect } from 'vitest';
import { expectClose } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { tinyModel, type TinyModel, type TinyModelOptions } from '../tiny-model.js';
import { snapshot, take, train, withAdapter, type AdapterMethodSubject } from './subject.js';

export const fileLaws: Readonly<Record<string, Law<AdapterMethodSubject>>> = {
  'saved and loaded, its parameters are the same bits': (subject) =>
    withSaved(subject, async ({ folder, format, adapter, model }) => {
      await withLoaded(subject, folder, {}, async (loaded, other) => {
        const bits = await snapshot(adapterParameters(adapter));
        expect(await snapshot(adapterParameters(loaded))).toEqual(bits);
        for (const name of sharedKeys(subject, format).keys()) {
          const [one, other] = [adapter, loaded].map(({ shared }) => shared.get(name)!);
          expect([...(await other!.data())], name).toEqual([...(await one!.data())]);
        }
        await expectClose(await take(other.run()), await take(model.run()), subject.tolerances.merge);
      });
    }),

  'its file holds an F32 tensor for each parameter, under the path of its module, and once for all what they share': (
    subject,
  ) =>
    withSaved(subject, async ({ folder, format, adapter, model }) => {
      const file = await openSafetensors(path.join(folder, 'adapter_model.safetensors'));
      const parameters = adapterParameters(adapter);
      expect(file.tensors.size).toBeGreaterThanOrEqual(parameters.size); // buffers may stand beside them
      const shared = [...sharedKeys(subject, format).values()];
      for (const key of shared) expect(file.tensors.has(key), key).toBe(true);
      for (const [key, { dtype }] of file.tensors) {
        expect(dtype, key).toBe('F32');
        if (shared.includes(key)) continue;
        expect(
          [...model.modules().keys()].some((module) => key.startsWith(`base_model.model.${module}.`)),
          key,
        ).toBe(true);
      }
      await file.close();
    }),

  'saved again after loading, its files are the same': (subject) =>
    withSaved(subject, async ({ folder, format }) => {
      await withLoaded(subject, folder, {}, async (loaded) => {
        const again = path.join(folder, 'again');
        await saveAdapter(loaded, again, { format });
        for (const file of ['adapter_config.json', 'adapter_model.safetensors']) {
          const [first, second] = await Promise.all([folder, again].map((from) => readFile(path.join(from, file))));
          expect(second!.equals(first!), file).toBe(true);
        }
      });
    }),

  'tensors of another shape are refused, and the model stays as it was': (subject) =>
    withSaved(subject, async ({ folder }) => {
      const model = await tinyModel({ storage: fp32, width: 8, vocabulary: 10, embeddingWidth: 7 });
      const before = await take(model.run());
      const set = new AdapterSet(model);
      await expect(loadAdapter(set, folder, loading(subject))).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
      expect(set.names()).toEqual([]);
      expect(await take(model.run())).toEqual(before);
      model.dispose();
    }),
};

/** What the layers of an adapter share in files of that format: name -> key. */
const sharedKeys = ({ method }: AdapterMethodSubject, format: string): ReadonlyMap<string, string> =>
  method.formats.find(({ name }) => name === format)?.shared ?? new Map<string, string>();

interface Saved {
  readonly folder: string;
  readonly format: string;
  readonly adapter: Adapter;
  readonly model: TinyModel;
}

/** Runs `body` with a trained adapter saved in each format that can hold it. */
async function withSaved(subject: AdapterMethodSubject, body: (saved: Saved) => Promise<void>): Promise<void> {
  expect(subject.method.formats.length, 'formats to save in').toBeGreaterThan(0);
  for (const { name: format } of subject.method.formats) {
    const folder = await mkdtemp(path.join(tmpdir(), 'loran-laws-'));
    try {
      await withAdapter(subject, async ({ model, adapter, parameters }) => {
        await train(model, parameters);
        if (!(await saved(adapter, folder, format))) return;
        await body({ folder, format, adapter, model });
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Whether the format can hold the adapter: the first of a method must hold every one, another may refuse some. */
async function saved(adapter: Adapter, folder: string, format: string): Promise<boolean> {
  try {
    await saveAdapter(adapter, folder, { format });
    return true;
  } catch (error) {
    if (format === adapter.method.formats[0]?.name || !LoranError.is(error) || error.code !== 'NOT_IN_FORMAT')
      throw error;
    return false;
  }
}

async function withLoaded(
  subject: AdapterMethodSubject,
  folder: string,
  options: Partial<TinyModelOptions>,
  body: (loaded: Adapter, model: TinyModel) => Promise<void>,
): Promise<void> {
  const model = await tinyModel({ storage: subject.bases[0] ?? fp32, ...options });
  const set = new AdapterSet(model);
  try {
    await body(await loadAdapter(set, folder, loading(subject)), model);
  } finally {
    set.clear();
    model.dispose();
  }
}

const loading = ({ method, resolve }: AdapterMethodSubject) => ({
  methods: [method],
  ...(resolve === undefined ? {} : { resolve }),
});
