/**
 * How a model of Hugging Face's stands in a GGUF file: the architecture, the names of its modules, and what is done to a tensor
 * on its way. These are the tables that GGUF files are read by, turned round.
 */
import type { GgufValue } from '@loran/formats';
import { type Adaptation } from '../../source/adapted-file.js';
import type { GgufArchitecture } from '../../source/gguf/gguf-architecture.js';
import { llamaNames } from '../../source/gguf/gguf-architecture.js';
import { falconArchitecture, falconNames } from '../../source/gguf/falcon-architecture.js';
import { gpt2Architecture, gpt2Names } from '../../source/gguf/gpt2-architecture.js';
import {
  gemma2Architecture,
  gemma3Architecture,
  gemmaNames,
  llamaArchitecture,
  qwen2Architecture,
  qwen3Architecture,
} from '../../source/gguf/llama-architectures.js';
import type { ModelSource } from '../../model-family.js';
import { notExportable } from '../export-error.js';
import type { StoredModel } from '../merged-weights.js';
import { falconFields } from './falcon-fields.js';
import {
  gemma2Fields,
  gemma3Fields,
  gpt2Fields,
  llamaFields,
  mistralFields,
  qwen3Fields,
  type WrittenFields,
} from './model-fields.js';
import { ModelFacts } from './model-facts.js';

type Architecture = Pick<GgufArchitecture, 'adapt'> & {
  readonly name: string;
  /** llama.cpp's -> Hugging Face's, as in GgufArchitecture. */
  readonly names: (facts: ModelFacts) => Readonly<Record<string, string>>;
  readonly fields: (facts: ModelFacts) => WrittenFields;
};

const architectures: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  ['llama', { ...llamaArchitecture, name: 'llama', names: () => llamaNames, fields: llamaFields }],
  ['mistral', { ...llamaArchitecture, name: 'llama', names: () => llamaNames, fields: mistralFields }],
  ['qwen2', { ...qwen2Architecture, name: 'qwen2', names: () => llamaNames, fields: llamaFields }],
  ['qwen3', { ...qwen3Architecture, name: 'qwen3', names: () => llamaNames, fields: qwen3Fields }],
  ['gemma2', { ...gemma2Architecture, name: 'gemma2', names: () => gemmaNames, fields: gemma2Fields }],
  ['gemma3', { ...gemma3Architecture, name: 'gemma3', names: () => gemmaNames, fields: gemma3Fields }],
  ['gpt2', { ...gpt2Architecture, name: 'gpt2', names: () => gpt2Names, fields: gpt2Fields }],
  [
    'falcon',
    {
      ...falconArchitecture,
      name: 'falcon',
      names: (facts) => falconNames(facts.hasModule('ln_attn')),
      fields: falconFields,
    },
  ],
]);

export interface GgufLayout {
  /** `general.architecture`. */
  readonly architecture: string;
  readonly facts: ModelFacts;
  /** Metadata of the model, without general.* and the tokenizer. */
  fields(): readonly (readonly [string, GgufValue])[];
  readonly warnings: readonly string[];
  /** Llama 3's divisors of frequencies, which stand as a tensor. */
  readonly ropeFactors: Float32Array | undefined;
  /** The same, or `undefined`. */
  findName(path: string): string | undefined;
  /** llama.cpp's name of a module, without its ending: 'blk.0.attn_q'. Throws NOT_EXPORTABLE. */
  nameOf(path: string): string;
  /** What is done to a tensor of that name ('blk.0.attn_q.weight') when it is written. */
  written(name: string): Omit<Adaptation, 'stored'>;
}

/** `family`: the name of the model's family. Throws NOT_EXPORTABLE. */
export function ggufLayout(source: ModelSource, model: StoredModel & { readonly family: string }): GgufLayout {
  const found = architectures.get(model.family);
  if (found === undefined) {
    throw notExportable(
      `${source.name} is a ${model.family} model; GGUF is written of ${[...architectures.keys()].join(', ')}. Write a Hugging Face folder instead, and convert that with llama.cpp's own converter.`,
    );
  }
  const facts = new ModelFacts(source, model);
  const modules = new Map(Object.entries(found.names(facts)).map(([stored, path]) => [path, stored]));
  const findName = (path: string): string | undefined => {
    const layer = /\.(\d+)\./.exec(path)?.[1] ?? '*';
    return modules.get(path.replace(`.${layer}.`, '.*.'))?.replace('*', layer);
  };
  const { fields, warnings, ropeFactors } = found.fields(facts);
  return {
    architecture: found.name,
    facts,
    fields: () => fields.map(([key, value]) => [`${found.name}.${key}`, value]),
    warnings,
    ropeFactors,
    findName,
    nameOf(path) {
      const name = findName(path);
      if (name !== undefined) return name;
      throw notExportable(`${source.name}: llama.cpp has no place for the module '${path}' in a ${found.name} model.`);
    },
    written(name) {
      const config = { head_dim: facts.headWidth, num_attention_heads: facts.heads, num_kv_heads: facts.keyHeads };
      const info = { dtype: 'F32', shape: [facts.fusedRows], byteLength: 0 } as const; // asked of fused queries alone
      const { rows, offset, transposed } = found.adapt?.(name, info, config) ?? {};
      return {
        ...(rows === undefined ? {} : { rows: { group: rows.group, stored: inverse(rows.stored) } }),
        ...(offset === undefined ? {} : { offset: -offset }),
        ...(transposed === undefined ? {} : { transposed }),
      };
    },
  };
}

/** Where each row goes, from where each comes from. */
export function inverse(order: ArrayLike<number>): Int32Array {
  const turned = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) turned[order[i]!] = i;
  return turned;
}
