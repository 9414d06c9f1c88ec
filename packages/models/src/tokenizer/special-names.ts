/** The special tokens that a tokenizer_config.json names. */
import { isFields } from './check-description.js';

export interface SpecialNames {
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly pad: string | undefined;
  readonly unk: string | undefined;
}

/** A token is given as a text, or as an object with its `content`. */
export function specialNames(config: unknown): SpecialNames {
  const nameOf = (field: string): string | undefined => {
    const token = isFields(config) ? config[field] : undefined;
    const content = isFields(token) ? token['content'] : token;
    return typeof content === 'string' ? content : undefined;
  };
  return { bos: nameOf('bos_token'), eos: nameOf('eos_token'), pad: nameOf('pad_token'), unk: nameOf('unk_token') };
}
