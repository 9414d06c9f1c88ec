/**
 * Writes an adapter for llama.cpp (`--lora`): its factors under the names of the model's GGUF file, in that file's order of rows.
 *
 *   NAME.weight.lora_a [rank, in]      NAME.weight.lora_b [out, rank]      token_embd: lora_a is turned round, [vocabulary, rank]
 *
 * llama.cpp scales by adapter.lora.alpha / rank, the same alpha for all; a scaling of its own is put into lora_b.
 */
import { basename } from 'node:path';
import { type Adapter, factoredLayers } from '@loran/adapter';
import { fromFloat32, type GgufTensor, transposedValues, writeGguf } from '@loran/formats';
import type { ModelSource } from '../../model-family.js';
import { reorderedBytes } from '../../source/row-order.js';
import { notExportable } from '../export-error.js';
import type { StoredModel } from '../merged-weights.js';
import { ggufLayout } from './gguf-layout.js';
import { float, text, uint } from './model-fields.js';

/** Products that llama.cpp adds adapters to. */
const adaptable = /^(token_embd|output|blk\.\d+\.(attn_(q|k|v|qkv|output)|ffn_(gate|up|down)))$/;

export interface SaveGgufAdapterOptions {
  /** Of the factors; default F32. */
  readonly dtype?: 'F32' | 'F16';
  /** `general.name`; default the adapter's. */
  readonly name?: string;
}

/**
 * `source` and `model`: what the adapter is on. Throws NOT_FACTORED for updates that are no plain product, NOT_EXPORTABLE for a
 * family or a module that llama.cpp puts no adapter on, NON_FINITE, and what writeGguf throws; the old file is kept then.
 */
export async function saveGgufAdapter(
  source: ModelSource,
  model: StoredModel & { readonly family: string },
  adapter: Adapter,
  file: string,
  { dtype = 'F32', name = adapter.name }: SaveGgufAdapterOptions = {},
): Promise<void> {
  const layout = ggufLayout(source, model);
  const layers = await factoredLayers(adapter, 'a GGUF adapter');
  const names = new Map([...layers.keys()].map((path) => [path, layout.nameOf(path)]));
  const refused = [...names].flatMap(([path, stored]) =>
    adaptable.test(stored) && !model.checkpoint.tied.has(path) ? [] : [path],
  );
  if (refused.length > 0) {
    throw notExportable(
      `The adapter '${adapter.name}' is on ${refused.join(', ')}, on which llama.cpp puts none${refused.some((path) => model.checkpoint.tied.has(path)) ? ' (a tied head is the embedding there)' : ''}. Merge it into the model and write that.`,
    );
  }
  const first = [...layers.values()][0];
  const alpha = first === undefined ? 1 : first.scaling * first.rank;
  const tensors = [...layers].flatMap(([path, { A, B, rank, scaling }]): [string, GgufTensor][] => {
    const stored = `${names.get(path)!}.weight`;
    const factor = (scaling * rank) / alpha;
    const isEmbedding = stored === 'token_embd.weight';
    const [width, height] = [A.length / rank, B.length / rank];
    const rows = isEmbedding ? undefined : layout.written(stored).rows;
    const scaled = fromFloat32(factor === 1 ? B : B.map((value) => value * factor), 'F32');
    const ordered = rows === undefined ? scaled : reorderedBytes(scaled, height, rows);
    return [
      [
        `${stored}.lora_a`,
        tensor(isEmbedding ? [width, rank] : [rank, width], isEmbedding ? transposedValues(A, rank, width) : A, dtype),
      ],
      [`${stored}.lora_b`, tensor([height, rank], new Float32Array(ordered.slice().buffer), dtype)],
    ];
  });
  await writeGguf(file, {
    fields: [
      ['general.architecture', text(layout.architecture)],
      ['general.type', text('adapter')],
      ['general.name', text(name)],
      ['general.base_model.count', uint(1)],
      ['general.base_model.0.name', text(basename(source.name))],
      ['adapter.type', text('lora')],
      ['adapter.lora.alpha', float(alpha)],
      ['general.file_type', uint(dtype === 'F32' ? 0 : 1)],
      ['general.quantization_version', uint(2)],
    ],
    tensors,
  });
}

const tensor = (shape: readonly number[], values: Float32Array, dtype: 'F32' | 'F16'): GgufTensor => ({
  dtype,
  shape,
  data: fromFloat32(values, dtype),
});
