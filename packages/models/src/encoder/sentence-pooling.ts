/**
 * How sentence-transformers' files pool: modules.json lists a Transformer, a Pooling with a config.json of its own, and a
 * Normalize where vectors have length 1; sentence_bert_config.json says how long a text may be.
 */
import { z } from 'zod';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import type { SentenceEncoderOptions, SentencePooling } from '../sentence-encoder.js';

const modulesFile = z.array(z.looseObject({ type: z.string() }));
const poolingFile = z.looseObject({
  pooling_mode: z.string().nullish(),
  pooling_mode_mean_tokens: z.boolean().nullish(),
  pooling_mode_cls_token: z.boolean().nullish(),
});

const settingsFile = z.looseObject({ max_seq_length: z.int().positive().nullish() });

/** The longest text that the files allow, if they say. */
export function lengthOf({ sentence }: Pick<ModelSource, 'sentence'>): number {
  return settingsFile.safeParse(sentence?.settings).data?.max_seq_length ?? Infinity;
}

/** What the options say, else the files, else the mean as it is. Throws UNSUPPORTED_TASK for other modules and poolings. */
export function poolingOf({ name, sentence }: ModelSource, options: SentenceEncoderOptions): SentencePooling {
  const own = sentence === undefined ? undefined : filePooling(name, sentence);
  return {
    pooling: options.pooling ?? own?.pooling ?? 'mean',
    normalised: options.normalised ?? own?.normalised ?? false,
  };
}

function filePooling(name: string, { modules, pooling }: NonNullable<ModelSource['sentence']>): SentencePooling {
  const refused = (problem: string) =>
    new ModelError(
      'UNSUPPORTED_TASK',
      `${name}: ${problem} Supported are a Transformer, mean or CLS pooling, and Normalize.`,
    );
  const list = modulesFile.safeParse(modules);
  if (!list.success) throw refused('modules.json does not list modules with their types.');
  const kinds = list.data.map(({ type }) => type.split('.').at(-1)!);
  const other = kinds.find((kind) => !['Transformer', 'Pooling', 'Normalize'].includes(kind));
  if (other !== undefined) throw refused(`modules.json lists a module ${other}.`);
  if (!kinds.includes('Pooling')) throw refused('modules.json lists no Pooling.');
  const fields = poolingFile.safeParse(pooling);
  if (!fields.success) throw refused("the Pooling's config.json is missing or does not say how to pool.");
  const modes = Object.entries(fields.data)
    .filter(([key, value]) => key.startsWith('pooling_mode_') && value === true)
    .map(([key]) => key.replace('pooling_mode_', '').replace(/_tokens?$/, ''));
  const mode = fields.data.pooling_mode ?? modes.join('+');
  if (mode !== 'mean' && mode !== 'cls') throw refused(`its texts are pooled by ${JSON.stringify(mode)}.`);
  return { pooling: mode, normalised: kinds.includes('Normalize') };
}
