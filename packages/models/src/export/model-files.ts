/** What stands beside the weights in a model's folder: its configuration, how it generates, its tokenizer. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@loran/formats';
import type { ModelSource } from '../model-family.js';
import { pythonJson } from './python-json.js';
import { saveTokenizer } from './tokenizer-folder.js';

/** Into `folder`, which exists; `config` as config.json, the rest as the source has it. Returns what a user should know. */
export async function writeModelFiles(
  source: ModelSource,
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const before = (file: string) => fs.readFile(join(source.name, file), 'utf8').catch(() => undefined);
  await writeFileAtomic(join(folder, 'config.json'), pythonJson(config, await before('config.json')));
  if (source.generation !== undefined) {
    const text = (await before('generation_config.json')) ?? pythonJson(source.generation);
    await writeFileAtomic(join(folder, 'generation_config.json'), text);
  }
  return (await saveTokenizer(source.tokenizer, folder))
    ? []
    : [`${source.name} has no files of a tokenizer to write.`];
}
