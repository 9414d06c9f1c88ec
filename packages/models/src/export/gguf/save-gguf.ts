/** Writes a causal language model with its adapters merged in as a GGUF file for llama.cpp and Ollama. */
import { basename, dirname, join } from 'node:path';
import { AdapterSet } from '@loran/adapter';
import { fromFloat32, type GgufTensor, type GgufValue, writeGguf } from '@loran/formats';
import type { ModelSource } from '../../model-family.js';
import { type Adaptation, adaptedFile } from '../../source/adapted-file.js';
import type { SavedModel } from '../save-merged-model.js';
import { mergedWeights, type StoredModel } from '../merged-weights.js';
import { Rounding } from '../rounding.js';
import { ggufLayout, type GgufLayout } from './gguf-layout.js';
import { text, uint } from './model-fields.js';
import { writeModelfile } from './modelfile.js';
import { tokenizerFields } from './tokenizer-fields.js';

/** What matrices are kept in; vectors stay F32. */
export type GgufModelType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';

export interface SaveGgufOptions {
  /** Default F16. */
  readonly dtype?: GgufModelType;
  /** `general.name`; default the name of the folder or file that the model came from. */
  readonly name?: string;
  /** Leave the tokenizer out; default false. Programs must then be given token ids. */
  readonly withoutTokenizer?: boolean;
  /** Called as weights are written: bytes of them so far and in all. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
}

/**
 * Writes `file`, and a Modelfile for Ollama beside it. `source`: what the model was loaded from, opened anew; the caller closes
 * its weights. `adapters`: those of the model, whose active ones are merged; default none.
 *
 * Tensors are written one after another. Rows that are no whole number of 32 values stay F16 where blocks were asked for, and
 * with Q4_0 the output head is Q8_0, since every score depends on it.
 *
 * Throws NOT_EXPORTABLE for a family, a tokenizer or a setting that llama.cpp lacks, NON_FINITE, and what writeGguf throws; the
 * old file is kept then.
 */
export async function saveGguf(
  source: ModelSource,
  model: StoredModel & { readonly family: string },
  adapters: AdapterSet | undefined,
  file: string,
  {
    dtype = 'F16',
    name = basename(source.name).replace(/\.gguf$/, ''),
    withoutTokenizer = false,
    onProgress,
  }: SaveGgufOptions = {},
): Promise<SavedModel> {
  const layout = ggufLayout(source, model);
  const warnings = [...layout.warnings];
  const rounding = new Rounding();
  const tensors = [
    ...tensorsOf(source, model, adapters ?? new AdapterSet(model), layout, dtype, { warnings, rounding }),
  ];
  const fields: (readonly [string, GgufValue])[] = [
    ['general.architecture', text(layout.architecture)],
    ['general.type', text('model')],
    ['general.name', text(name)],
    ...layout.fields(),
    ['general.file_type', uint(fileTypes[dtype])],
    ...(withoutTokenizer
      ? [['tokenizer.ggml.model', text('no_vocab')] as const]
      : tokenizerFields(source, layout.facts.vocabulary)),
    ['general.quantization_version', uint(2)],
  ];
  await writeGguf(file, { fields, tensors }, onProgress === undefined ? {} : { onProgress });
  const modelfile = await writeModelfile(join(dirname(file), 'Modelfile'), basename(file), source);
  warnings.push(...rounding.warnings(`Weights were rounded to ${dtype}`));
  return { files: [basename(file), modelfile], warnings };
}

const fileTypes: Readonly<Record<GgufModelType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

function* tensorsOf(
  source: ModelSource,
  model: StoredModel,
  adapters: AdapterSet,
  layout: GgufLayout,
  dtype: GgufModelType,
  { warnings, rounding }: { readonly warnings: string[]; readonly rounding: Rounding },
): Generator<readonly [string, GgufTensor]> {
  const merged = mergedWeights(source.weights, model, adapters);
  const written = new Map<string, Adaptation>();
  for (const [tensor, stored] of merged.names) {
    const ending = tensor.slice(tensor.lastIndexOf('.'));
    const name = `${layout.nameOf(tensor.slice(0, -ending.length))}${ending}`;
    written.set(name, { stored, ...layout.written(name) });
  }
  const head = written.has('output.weight') ? 'output.weight' : 'token_embd.weight';
  const file = adaptedFile(merged, written);
  const factors = layout.ropeFactors;
  if (factors !== undefined) {
    yield ['rope_freqs.weight', { dtype: 'F32', shape: [factors.length], data: fromFloat32(factors, 'F32') }];
  }
  const uneven: string[] = [];
  for (const [name, { shape }] of file.tensors) {
    const wanted =
      shape.length < 2 || name === 'position_embd.weight' ? 'F32' : name === head && dtype === 'Q4_0' ? 'Q8_0' : dtype;
    const isUneven = (wanted === 'Q8_0' || wanted === 'Q4_0') && shape.at(-1)! % 32 !== 0;
    if (isUneven) uneven.push(name);
    yield [name, rounding.of({ dtype: isUneven ? 'F16' : wanted, shape, values: () => file.values(name) })];
  }
  if (uneven.length > 0) {
    warnings.push(
      `${uneven.length} tensors have rows that are no multiple of 32 values and stay F16: ${uneven.slice(0, 3).join(', ')}${uneven.length > 3 ? ', …' : ''}.`,
    );
  }
}
