/** The tokenizer of a Hugging Face folder. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readTemplates } from '../chat/read-templates.js';
import { readJson } from '../folder/read-json.js';
import { ModelError } from '../model-error.js';
import { buildTokenizer } from './build-tokenizer.js';
import { isFields } from './check-description.js';
import type { TokenizerFiles } from './tokenizer-files.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Reads tokenizer.json, tokenizer_config.json and the chat templates of a folder. Throws TOKENIZER_NOT_FOUND, INVALID_TOKENIZER,
 * INVALID_MODEL_CONFIG for files that are no JSON.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const files = await readTokenizerFiles(folder);
  if (files === undefined) throw await tokenizerNotFound(folder);
  return buildTokenizer(files);
}

/** `undefined`: there is no tokenizer.json. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles | undefined> {
  const description = await readJson(folder, 'tokenizer.json');
  if (description === undefined) return undefined;
  const own = await readJson(folder, 'tokenizer_config.json');
  const names = await readJson(folder, 'special_tokens_map.json'); // where older files name the special tokens
  const config = { ...(isFields(names) ? names : {}), ...(isFields(own) ? own : {}) };
  return { name: join(folder, 'tokenizer.json'), description, config, templates: await readTemplates(folder, config) };
}

async function tokenizerNotFound(folder: string): Promise<ModelError> {
  const entries = await fs.readdir(folder);
  const other = entries.find((entry) => entry === 'vocab.txt' || entry === 'vocab.json' || entry.endsWith('.model'));
  return new ModelError(
    'TOKENIZER_NOT_FOUND',
    `${folder} has no tokenizer.json${other === undefined ? '' : `, only ${other}`}. ` +
      'Take the one published with the model, or write it once in Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).',
  );
}
