/** Writes a model's tokenizer and chat templates: its own files as they are, or what another format says in their terms. */
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '@loran/formats';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { TokenizerFiles } from '../tokenizer/tokenizer-files.js';

const copied = [
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * Writes tokenizer.json, tokenizer_config.json and the chat templates into `folder`, which exists: the tokenizer's own files, or
 * what it was built from where it came from elsewhere or had tokens added. Returns whether there was anything to write.
 */
export async function saveTokenizer({ files, ...tokenizer }: Tokenizer, folder: string): Promise<boolean> {
  if (files === undefined) return false;
  const own = dirname(files.name);
  if (files.edited !== true && basename(files.name) === 'tokenizer.json' && (await exists(files.name))) {
    for (const name of copied) if (await exists(join(own, name))) await copy(join(own, name), join(folder, name));
    await copyTemplates(join(own, 'additional_chat_templates'), join(folder, 'additional_chat_templates'));
    return true;
  }
  await writeFileAtomic(join(folder, 'tokenizer.json'), JSON.stringify(files.description));
  await writeFileAtomic(join(folder, 'tokenizer_config.json'), json(configOf(files, tokenizer)));
  for (const [name, template] of files.templates ?? []) {
    const further = join(folder, 'additional_chat_templates');
    if (name !== 'default') await fs.mkdir(further, { recursive: true });
    const file = name === 'default' ? join(folder, 'chat_template.jinja') : join(further, `${basename(name)}.jinja`);
    await writeFileAtomic(file, template);
  }
  return true;
}

/** tokenizer_config.json with the names of the special tokens, which transformers takes from there. */
function configOf(
  { description, config }: TokenizerFiles,
  { bosId, eosId, unkId, padId }: Pick<Tokenizer, 'bosId' | 'eosId' | 'unkId' | 'padId'>,
): Record<string, unknown> {
  const { added_tokens: added = [] } = description as { added_tokens?: readonly { id: number; content: string }[] };
  const named = (id: number | undefined) => added.find((token) => token.id === id)?.content;
  const tokens = Object.entries({ bos_token: bosId, eos_token: eosId, unk_token: unkId, pad_token: padId });
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...Object.fromEntries(tokens.flatMap(([name, id]) => (named(id) === undefined ? [] : [[name, named(id)]]))),
    ...(config as Record<string, unknown> | undefined),
  };
}

async function copyTemplates(from: string, to: string): Promise<void> {
  const templates = (await fs.readdir(from).catch(() => [])).filter((name) => name.endsWith('.jinja'));
  if (templates.length > 0) await fs.mkdir(to);
  for (const name of templates) await copy(join(from, name), join(to, name));
}

/** The contents alone: the base's files may be read-only. */
const copy = async (from: string, to: string): Promise<void> => writeFileAtomic(to, await fs.readFile(from));

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const exists = (path: string): Promise<boolean> =>
  fs.stat(path).then(
    (stat) => stat.isFile(),
    () => false,
  );
