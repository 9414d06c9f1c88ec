/** Tiny models of packages/models with the tokenizer that they share: 1 begins, 2 ends, then printable characters from 3 on. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type LanguageModel,
  loadLanguageModel,
  loadSequenceToSequenceModel,
  type SequenceToSequenceModel,
} from '@loran/models';

const fixtures = fileURLToPath(new URL('../../../models/src/__fixtures__', import.meta.url));

export const tinyLlama = (): Promise<LanguageModel> => withTokenizer('decoders/llama', loadLanguageModel);

export const tinyFlan = (): Promise<SequenceToSequenceModel> => withTokenizer('t5/flan', loadSequenceToSequenceModel);

async function withTokenizer<T>(model: string, load: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-tiny-'));
  try {
    cpSync(path.join(fixtures, model), folder, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(fixtures, 'decoders', file), path.join(folder, file));
    }
    return await load(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
