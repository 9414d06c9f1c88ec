/** The tiny Llama of packages/models, with a LoRA on it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLanguageModel, type LanguageModel } from '@loran/models';

const decoders = fileURLToPath(new URL('../../../models/src/__fixtures__/decoders', import.meta.url));

/** Its vocabulary: 1 begins, 2 ends, the rest are printable characters from the space on, as 3 and up. */
export async function tinyLlama(): Promise<LanguageModel> {
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-tiny-llama-'));
  try {
    cpSync(path.join(decoders, 'llama'), folder, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(decoders, file), path.join(folder, file));
    }
    return await loadLanguageModel(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
