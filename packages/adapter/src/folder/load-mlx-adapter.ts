/** Reads an adapter that mlx-lm trained; the format is described in save-mlx-adapter.ts. */
import path from 'node:path';
import { isFloat, openSafetensors, toFloat32, transposedValues, type TensorFile } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { readConfigFile } from './adapter-config.js';
import { addFactored, type FactoredLayer } from './factored-layers.js';
import type { LoadAdapterOptions } from './load-adapter.js';

const configFile = z.looseObject({
  fine_tune_type: z.string().default('lora'),
  lora_parameters: z.looseObject({
    rank: z.int().positive(),
    scale: z.number(),
    dropout: z.number().min(0).lt(1).default(0),
  }),
});

/**
 * Adds the adapter in `folder` to the set, as plain low-rank factors.
 *
 * Throws ADAPTER_NOT_FOUND, INVALID_ADAPTER_CONFIG (DoRA and whole fine-tunes as well), ADAPTER_KEYS, what `addFactored` throws,
 * and what the file's reader throws; the model is then as it was.
 */
export async function loadMlxAdapter(
  set: AdapterSet,
  folder: string,
  { methods, name }: Pick<LoadAdapterOptions, 'methods' | 'name'>,
): Promise<Adapter> {
  const { rank, scale, dropout } = await readConfig(path.join(folder, 'adapter_config.json'));
  const file = await openSafetensors(path.join(folder, 'adapters.safetensors'));
  try {
    const layers = new Map<string, FactoredLayer>();
    for (const key of file.tensors.keys()) {
      const [, module, factor] = /^(.+)\.(lora_[ab])$/.exec(key) ?? [];
      if (module === undefined || !file.tensors.has(`${module}.lora_${factor === 'lora_a' ? 'b' : 'a'}`)) {
        throw new LoranError(
          'ADAPTER_KEYS',
          `${file.name} holds '${key}'; expected lora_a and lora_b of each module and nothing else.`,
        );
      }
      if (!layers.has(module)) layers.set(module, await factorsOf(file, module, rank, set));
    }
    return await addFactored(set, layers, {
      methods,
      scaling: scale,
      dropout,
      file: file.name,
      ...(name === undefined ? {} : { name }),
    });
  } finally {
    await file.close();
  }
}

async function factorsOf(file: TensorFile, module: string, rank: number, set: AdapterSet): Promise<FactoredLayer> {
  const frozen = set.model.modules().get(module)?.frozen;
  const [rows, columns] =
    frozen?.kind === 'embedding' ? [frozen.columns, frozen.rows] : [frozen?.rows, frozen?.columns];
  const read = async (key: string, expected: readonly (number | undefined)[]): Promise<Float32Array> => {
    const { dtype, shape, data } = await file.read(key);
    const fits = shape.length === 2 && shape.every((size, i) => expected[i] === undefined || size === expected[i]);
    if (!fits)
      throw new ShapeMismatchError(
        key,
        expected.map((size) => size ?? 0),
        shape,
      );
    if (!isFloat(dtype))
      throw new LoranError('DTYPE_MISMATCH', `${file.name}: '${key}' is ${dtype}; adapters are floats.`);
    return transposedValues(toFloat32(data, dtype), shape[0]!, shape[1]!);
  };
  return {
    A: await read(`${module}.lora_a`, [columns, rank]),
    B: await read(`${module}.lora_b`, [rank, rows]),
    rank,
  };
}

async function readConfig(file: string): Promise<z.infer<typeof configFile>['lora_parameters']> {
  const notFound = `${file} cannot be read. Give the folder that mlx-lm wrote.`;
  const { fields, invalid } = await readConfigFile(file, configFile, notFound);
  const { fine_tune_type: type, lora_parameters: parameters } = fields;
  if (type !== 'lora')
    throw invalid(`fine_tune_type is '${type}'; only 'lora' is read. Fuse it with mlx-lm and use the model.`);
  return parameters;
}
