/** Reads an adapter for llama.cpp onto a model; the format is described in save-gguf-adapter.ts. */
import { addFactored, type Adapter, type AdapterMethod, type AdapterSet, type FactoredLayer } from '@loran/adapter';
import { fromFloat32, type GgufFile, openGguf } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import type { ModelSource } from '../../model-family.js';
import { reorderedBytes } from '../../source/row-order.js';
import type { StoredModel } from '../merged-weights.js';
import { type GgufLayout, ggufLayout, inverse } from './gguf-layout.js';

export interface LoadGgufAdapterOptions {
  /** The methods that are known; the first that can be made of two factors takes them. */
  readonly methods: Iterable<AdapterMethod>;
  /** Default 'default'. */
  readonly name?: string;
}

/**
 * Adds the adapter in `file` to `adapters`, which are on `model`; `source`: what that was loaded from.
 *
 * Throws INVALID_ADAPTER_CONFIG when the file is another model's or no LoRA, ADAPTER_KEYS, NOT_EXPORTABLE for a family that has no
 * GGUF form here, what `addFactored` and openGguf throw; the model is then as it was.
 */
export async function loadGgufAdapter(
  source: ModelSource,
  model: StoredModel & { readonly family: string },
  adapters: AdapterSet,
  file: string,
  { methods, name }: LoadGgufAdapterOptions,
): Promise<Adapter> {
  const layout = ggufLayout(source, model);
  const opened = await openGguf(file);
  try {
    const alpha = checkedAlpha(opened, layout.architecture);
    const paths = new Map([...model.modules().keys()].flatMap((path) => namesOf(layout, path)));
    const layers = new Map<string, FactoredLayer>();
    for (const key of opened.tensors.keys()) {
      const [, stored, factor] = /^(.+\.weight)\.lora_([ab])$/.exec(key) ?? [];
      const path = stored === undefined ? undefined : paths.get(stored);
      if (path === undefined || !opened.tensors.has(`${stored}.lora_${factor === 'a' ? 'b' : 'a'}`)) {
        throw new LoranError(
          'ADAPTER_KEYS',
          `${file} holds '${key}'; expected lora_a and lora_b of this model's modules, such as ${[...paths.keys()][1] ?? 'none'}.`,
        );
      }
      if (factor === 'a') layers.set(path, await factorsOf(opened, stored!, layout));
    }
    const rank = [...layers.values()][0]?.rank ?? 1;
    return await addFactored(adapters, layers, {
      methods,
      scaling: alpha === 0 ? 1 : alpha / rank, // as llama.cpp has it
      file,
      ...(name === undefined ? {} : { name }),
    });
  } finally {
    await opened.close();
  }
}

/** A module that llama.cpp has no place for gets no adapter from there. */
function namesOf(layout: GgufLayout, path: string): [string, string][] {
  const name = layout.findName(path);
  return name === undefined ? [] : [[`${name}.weight`, path]];
}

function checkedAlpha({ name, fields }: GgufFile, architecture: string): number {
  const expected = [
    ['general.type', 'adapter'],
    ['adapter.type', 'lora'],
    ['general.architecture', architecture],
    ['adapter.alora.invocation_tokens', undefined],
  ] as const;
  for (const [key, value] of expected) {
    const given = fields.get(key)?.value;
    if (given === value) continue;
    throw new LoranError(
      'INVALID_ADAPTER_CONFIG',
      `${name}: metadata field '${key}' is ${given === undefined ? 'missing' : JSON.stringify(given)}; expected ${value === undefined ? 'none' : JSON.stringify(value)}. Is it a LoRA for this model?`,
    );
  }
  const alpha = fields.get('adapter.lora.alpha')?.value ?? 0;
  if (typeof alpha === 'number') return alpha;
  throw new LoranError('INVALID_ADAPTER_CONFIG', `${name}: metadata field 'adapter.lora.alpha' is no number.`);
}

async function factorsOf(file: GgufFile, stored: string, layout: GgufLayout): Promise<FactoredLayer> {
  const isEmbedding = stored === 'token_embd.weight';
  const read = async (key: string) => {
    const { shape } = file.tensors.get(key)!;
    const [height = 0, width = 0] = shape;
    const values = new Float32Array(height * width);
    let filled = 0;
    for await (const run of file.values(key)) {
      values.set(run, filled);
      filled += run.length;
    }
    return { values, height, width };
  };
  const a = await read(`${stored}.lora_a`); // [rank, in], of an embedding [vocabulary, rank]
  const b = await read(`${stored}.lora_b`); // [out, rank]
  const rows = isEmbedding ? undefined : layout.written(stored).rows;
  const B =
    rows === undefined
      ? b.values
      : new Float32Array(
          reorderedBytes(fromFloat32(b.values, 'F32'), b.height, { ...rows, stored: inverse(rows.stored) }).buffer,
        );
  if (!isEmbedding) return { A: a.values, B, rank: b.width };
  const A = Float32Array.from(a.values, (_, i) => a.values[(i % a.height) * a.width + Math.floor(i / a.height)]!);
  return { A, B, rank: b.width };
}
