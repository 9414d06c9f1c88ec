/** Tiny models of packages/models in a folder of their own, with the tokenizer that they share. */
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../../../models/src/__fixtures__', import.meta.url));

/** A new folder, which the caller removes, with the tiny Llama under 'llama'. */
export async function folderWithLlama(name: string): Promise<{ folder: string; model: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), `loran-cli-${name}-`));
  return { folder, model: await tinyModel('decoders/llama', path.join(folder, 'llama')) };
}

/** A copy of 'decoders/llama', 't5/flan', … at `target`. */
export async function tinyModel(model: string, target: string): Promise<string> {
  await cp(path.join(fixtures, model), target, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(fixtures, 'decoders', file), path.join(target, file));
  }
  return target;
}
