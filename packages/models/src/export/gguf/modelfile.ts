/** The Modelfile with which Ollama takes a GGUF file up; it finds the chat template inside the file. */
import fs from 'node:fs/promises';
import { dirname, basename, join } from 'node:path';
import { writeFileAtomic } from '@loran/formats';
import type { ModelSource } from '../../model-family.js';

const mark = '# Written by loran.';

/** Writes it and returns its name: another when a Modelfile that is not ours stands there. `model`: the GGUF file beside it. */
export async function writeModelfile(
  path: string,
  model: string,
  { tokenizer, generation = {} }: ModelSource,
): Promise<string> {
  const before = await fs.readFile(path, 'utf8').catch(() => mark);
  const place = before.startsWith(mark) ? path : join(dirname(path), `${model}.Modelfile`);
  const ends = new Set([generation['eos_token_id'], tokenizer.eosId].flat().filter((id) => typeof id === 'number'));
  const stops = [...ends]
    .map((id) => tokenizer.decode([id], { skipSpecialTokens: false }))
    .filter((stop) => stop !== '');
  const lines = [
    `${mark} Use: ollama create NAME -f ${basename(place)}`,
    `FROM ./${model}`,
    ...stops.map((stop) => `PARAMETER stop ${JSON.stringify(stop)}`),
  ];
  await writeFileAtomic(place, `${lines.join('\n')}\n`);
  return basename(place);
}
