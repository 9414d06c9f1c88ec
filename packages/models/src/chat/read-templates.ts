/**
 * The chat templates of a model's folder by name, as transformers finds them:
 *
 *   chat_template.jinja                 the default one
 *   additional_chat_templates/N.jinja   further ones
 *   tokenizer_config.json               chat_template: a text, or a list of { name, template }
 *   chat_template.json                  { chat_template: … }, of older processors
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../folder/read-json.js';
import { ModelError } from '../model-error.js';
import { isFields } from '../tokenizer/check-description.js';

const largest = 1 << 22; // bytes of one template; published ones have some ten thousand

/** Files come before fields. `config`: tokenizer_config.json. Throws INVALID_TOKENIZER. */
export async function readTemplates(folder: string, config: unknown): Promise<ReadonlyMap<string, string>> {
  const templates = new Map<string, string>();
  const older = await readJson(folder, 'chat_template.json');
  for (const [file, source] of [
    ['chat_template.json', older],
    ['tokenizer_config.json', config],
  ] as const) {
    const field = isFields(source) ? source['chat_template'] : undefined;
    for (const [name, text] of namedTemplates(join(folder, file), field)) templates.set(name, text);
  }
  const additional = await fs.readdir(join(folder, 'additional_chat_templates')).catch(() => []);
  for (const file of additional.filter((name) => name.endsWith('.jinja'))) {
    const text = await readTemplate(join(folder, 'additional_chat_templates', file));
    if (text !== undefined) templates.set(file.slice(0, -'.jinja'.length), text);
  }
  const own = await readTemplate(join(folder, 'chat_template.jinja'));
  if (own !== undefined) templates.set('default', own);
  return templates;
}

/** A text is the default template; a list names its templates. Throws INVALID_TOKENIZER. */
function namedTemplates(file: string, field: unknown): ReadonlyMap<string, string> {
  if (field === undefined || field === null) return new Map();
  if (typeof field === 'string') return new Map([['default', field]]);
  const list = Array.isArray(field)
    ? field
    : isFields(field)
      ? Object.entries(field).map(([name, template]) => ({ name, template }))
      : [];
  const named = list.map((entry: unknown): [string, string] => {
    const { name, template } = isFields(entry) ? entry : {};
    if (typeof name === 'string' && typeof template === 'string') return [name, template];
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${file}: field 'chat_template' holds ${JSON.stringify(entry).slice(0, 80)}; expected a name and a template.`,
    );
  });
  if (named.length > 0) return new Map(named);
  throw new ModelError(
    'INVALID_TOKENIZER',
    `${file}: field 'chat_template' is neither a text nor a list of named templates.`,
  );
}

async function readTemplate(path: string): Promise<string | undefined> {
  const stat = await fs.stat(path).catch(() => undefined);
  if (stat?.isFile() !== true) return undefined;
  if (stat.size > largest) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${path} has ${stat.size} bytes; a chat template has at most ${largest}.`,
    );
  }
  return fs.readFile(path, 'utf8');
}
