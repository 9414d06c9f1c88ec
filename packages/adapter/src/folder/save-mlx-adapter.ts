/**
 * Writes an adapter for mlx-lm: adapters.safetensors and adapter_config.json.
 *
 *   y = x W + scale · (x a) b          PATH.lora_a [in, rank] = Aᵀ          PATH.lora_b [rank, out] = Bᵀ
 *
 * mlx-lm makes adapters of one rank and one scale in the last `num_layers` layers of a model and loads what the file has of
 * them: smaller ranks are filled up with zeros, other scalings are put into b, and layers without tensors change nothing.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fromFloat32, type TensorBytes, transposedValues, writeFileAtomic, writeSafetensors } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { Adaptable } from '../contract/adaptable.js';
import { formatAdapterConfig } from './adapter-config.js';
import { type FactoredLayer, factoredLayers } from './factored-layers.js';

const inLayer = /^model\.layers\.(\d+)\.(.+)$/;

/**
 * `model`: what the adapter is on. Throws NOT_FACTORED, NON_FINITE, NOT_EXPORTABLE for a model whose layers mlx-lm keeps under
 * other names, WRITE_FAILED; nothing is written then.
 */
export async function saveMlxAdapter(
  adapter: Adapter,
  model: Adaptable,
  folder: string,
  { baseModel }: { readonly baseModel?: string } = {},
): Promise<void> {
  const layers = await factoredLayers(adapter, 'an MLX adapter');
  const elsewhere = [...layers.keys()].find(
    (name) => !inLayer.test(name) && !/^(lm_head|model\.embed_tokens)$/.test(name),
  );
  if (elsewhere !== undefined) {
    throw new LoranError(
      'NOT_EXPORTABLE',
      `The adapter is on ${elsewhere}; mlx-lm's models have their layers under model.layers.N, so this model's adapters cannot be written for it.`,
    );
  }
  const numbers = (names: Iterable<string>) => [...names].flatMap((name) => inLayer.exec(name)?.[1] ?? []).map(Number);
  const count = 1 + Math.max(-1, ...numbers(model.modules().keys()));
  const first = Math.min(count, ...numbers(layers.keys()));
  const rank = Math.max(...[...layers.values()].map((layer) => layer.rank));
  const scale = [...layers.values()][0]?.scaling ?? 1;
  const tensors = [...layers].flatMap(([name, layer]): [string, TensorBytes][] => {
    const { A, B } = padded(layer, rank, layer.scaling / scale);
    const [width, height] = [A.length / rank, B.length / rank];
    return [
      [`${name}.lora_a`, f32([width, rank], transposedValues(A, rank, width))],
      [`${name}.lora_b`, f32([rank, height], transposedValues(B, height, rank))],
    ];
  });
  const keys = [...new Set([...layers.keys()].map((name) => inLayer.exec(name)?.[2] ?? name))].sort();
  const config = {
    fine_tune_type: 'lora',
    model: baseModel ?? null,
    num_layers: count - first,
    lora_parameters: { rank, scale, dropout: 0, keys },
  };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, 'adapters.safetensors'), tensors, { format: 'mlx' });
  await writeFileAtomic(path.join(folder, 'adapter_config.json'), formatAdapterConfig(config));
}

/** With zeros up to `rank`, which change no product, and B times `factor`. */
function padded({ A, B, rank }: FactoredLayer, most: number, factor: number): Pick<FactoredLayer, 'A' | 'B'> {
  if (rank === most && factor === 1) return { A, B };
  const [width, height] = [A.length / rank, B.length / rank];
  const wideA = new Float32Array(most * width);
  const wideB = new Float32Array(height * most);
  wideA.set(A);
  for (let row = 0; row < height; row++) {
    for (let k = 0; k < rank; k++) wideB[row * most + k] = B[row * rank + k]! * factor;
  }
  return { A: wideA, B: wideB };
}

const f32 = (shape: readonly number[], values: Float32Array): TensorBytes => ({
  dtype: 'F32',
  shape,
  data: fromFloat32(values, 'F32'),
});
