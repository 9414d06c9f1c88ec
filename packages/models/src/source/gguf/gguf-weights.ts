/** A GGUF file's tensors under Hugging Face's names and in its layouts. */
import type { TensorFile } from '@loran/formats';
import { type Adaptation, adaptedFile } from '../adapted-file.js';
import type { GgufArchitecture } from './gguf-architecture.js';
import type { GgufFields } from './gguf-fields.js';

/** What the configuration says already, and buffers of old converters. */
const apart = /^rope_freqs\.weight$|\.attn_rot_embd(\.weight)?$/;

/** Tensors without a name in Hugging Face's class keep theirs, so that they are reported rather than lost. */
export function ggufWeights(
  fields: GgufFields,
  architecture: GgufArchitecture,
  config: Record<string, unknown>,
): TensorFile {
  const { file } = fields;
  const names = architecture.names(fields);
  const tensors = new Map<string, Adaptation>();
  for (const [stored, info] of file.tensors) {
    if (apart.test(stored)) continue;
    tensors.set(nameOf(stored, names), { stored, ...architecture.adapt?.(stored, info, config) });
  }
  return adaptedFile(file, tensors);
}

function nameOf(stored: string, names: Readonly<Record<string, string>>): string {
  const [, module, layer, ending] = /^((?:blk\.(\d+)\.)?.*?)(\.(?:weight|bias))$/.exec(stored) ?? [];
  if (module === undefined || ending === undefined) return stored;
  const pattern = layer === undefined ? module : module.replace(`blk.${layer}.`, 'blk.*.');
  const name = Object.hasOwn(names, pattern) ? names[pattern]! : undefined;
  return name === undefined ? stored : `${name.replace('*', layer ?? '*')}${ending}`;
}
