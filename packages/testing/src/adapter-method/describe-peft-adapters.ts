/**
 * Golden adapters: folders that PEFT saved, each with what it computes from them on a tiny model whose weights stand beside it.
 *
 *   ids [2, 3] → tokens [9, 6] → encoder.first [7, 6] with bias → tanh → encoder.second [5, 7] → classifier [4, 5] with bias
 *
 * golden.json: { "cases": { CASE: { "ids", "base": { "tokens.weight": […], … }, "output": […], "merged": { … }, "gradients": { … } } } },
 * and a folder CASE for each. tools/parity/peft_methods.py writes such folders.
 */
import * as tf from '@tensorflow/tfjs-core';
import {
  AdapterSet,
  type AdapterMethod,
  type Context,
  frozenTensor,
  loadAdapter,
  saveAdapter,
  Slot,
} from '@loran/adapter';
import { openSafetensors } from '@loran/formats';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectClose } from '../expect-close.js';

interface GoldenCase {
  readonly ids: number[][];
  /** Name of a weight or bias -> its values. */
  readonly base: Readonly<Record<string, number[]>>;
  readonly output: number[];
  /** Weights and biases that a merge changes. */
  readonly merged: Readonly<Record<string, number[]>>;
  /** Key of a parameter in the file -> the gradient of the mean squared output. */
  readonly gradients: Readonly<Record<string, number[]>>;
}

const shapes = { tokens: [9, 6], 'encoder.first': [7, 6], 'encoder.second': [5, 7], classifier: [4, 5] } as const;

/**
 * Declares, for each golden adapter: loaded it gives PEFT's outputs and merged weights, and written again it is PEFT's file in keys,
 * values and fields. `folder`: where golden.json is.
 */
export function describePeftAdapters<Config>(
  method: AdapterMethod<Config>,
  folder: string,
  { absolute = 2e-6, resolve }: { readonly absolute?: number; readonly resolve?: Context['resolve'] } = {},
): void {
  const { cases } = JSON.parse(readFileSync(path.join(folder, 'golden.json'), 'utf8')) as {
    readonly cases: Readonly<Record<string, GoldenCase>>;
  };
  const options = { methods: [method as AdapterMethod], ...(resolve === undefined ? {} : { resolve }) };

  describe.each(Object.entries(cases))(`PEFT's adapter '%s'`, (name, golden) => {
    test("gives PEFT's outputs and merged weights", async () => {
      const { set, modules, run } = goldenModel(golden);
      await loadAdapter(set, path.join(folder, name), options);
      const base = await goldenModel(golden).run().data();
      const largest = Math.max(...golden.output.map((y, i) => Math.abs(y - base[i]!)));
      expect(largest, 'what the adapter changes').toBeGreaterThan(100 * absolute);
      await expectClose(await run().data(), golden.output, { absolute });
      await set.merge();
      await expectClose(await run().data(), golden.output, { absolute });
      for (const [key, values] of Object.entries(golden.merged)) {
        const merged = modules.get(key.replace(/\.(weight|bias)$/, ''))!.mergedWeight!;
        const tensor = key.endsWith('bias') ? merged.bias! : merged.weight();
        await expectClose(await tensor.data(), values, { absolute });
      }
    });

    test("gives PEFT's gradients", async () => {
      const { set, run } = goldenModel(golden);
      const adapter = await loadAdapter(set, path.join(folder, name), options);
      const parameters = new Map(
        [...adapter.layers].flatMap(([module, layer]) =>
          [...layer.parameters].map(([parameter, variable]) => {
            const suffix = method.formats[0]!.suffixes.get(parameter);
            return [`base_model.model.${module}.${String(suffix)}`, variable] as const;
          }),
        ),
      );
      expect(new Set(parameters.keys())).toEqual(new Set(Object.keys(golden.gradients)));
      const loss = () => tf.mean<tf.Scalar>(tf.square(run()));
      const { grads } = tf.variableGrads(loss, [...parameters.values()]);
      for (const [key, variable] of parameters) {
        await expectClose(await grads[variable.name]!.data(), golden.gradients[key]!, { absolute, relative: 1e-5 });
      }
    });

    test("is written with PEFT's keys, values and fields", async () => {
      const { set } = goldenModel(golden);
      const adapter = await loadAdapter(set, path.join(folder, name), options);
      const written = await mkdtemp(path.join(tmpdir(), 'loran-golden-'));
      try {
        await saveAdapter(adapter, written);
        const [theirs, ours] = await Promise.all([path.join(folder, name), written].map(contents));
        expect(ours!.tensors).toEqual(theirs!.tensors);
        const { auto_mapping: _, ...fields } = ours!.fields; // names the Python class of the base model
        expect(theirs!.fields).toMatchObject(fields);
      } finally {
        await rm(written, { recursive: true });
      }
    });
  });
}

function goldenModel({ base, ids }: GoldenCase) {
  const modules = new Map(
    Object.entries(shapes).map(([path, shape]) => {
      const bias = base[`${path}.bias`];
      const weight = tf.tensor2d(base[`${path}.weight`]!, [...shape]);
      const kind = path === 'tokens' ? 'embedding' : 'linear';
      return [path, new Slot(path, frozenTensor(weight, bias === undefined ? null : tf.tensor1d(bias), kind))];
    }),
  );
  const at = (path: keyof typeof shapes) => modules.get(path)!;
  const run = () =>
    tf.tidy(() => {
      const embedded = at('tokens').apply(tf.tensor2d(ids, undefined, 'int32')); // [2, 3, 6]
      const hidden = tf.tanh(at('encoder.first').apply(embedded)); // [2, 3, 7]
      return at('classifier').apply(at('encoder.second').apply(hidden)); // [2, 3, 4]
    });
  return { set: new AdapterSet({ modules: () => modules }), modules, run };
}

async function contents(folder: string) {
  const file = await openSafetensors(path.join(folder, 'adapter_model.safetensors'));
  const tensors: Record<string, unknown> = {};
  for (const key of file.tensors.keys()) {
    const { dtype, shape, data } = await file.read(key);
    tensors[key] = { dtype, shape: [...shape], data: Buffer.from(data).toString('hex') };
  }
  await file.close();
  const fields = JSON.parse(await readFile(path.join(folder, 'adapter_config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return { tensors, fields };
}
