/** A task that a tiny random BERT learns in a few steps on the tfjs cpu backend: one word decides the label. */
import '@tensorflow/tfjs-backend-cpu';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { portableEngine } from '@loran/tensor';
import { createLab, type Lab } from '../lab.js';
import { Services } from '../services.js';

export const model = fileURLToPath(new URL('../../../models/src/__fixtures__/tiny-bert', import.meta.url));

/** A lab that computes on the tfjs cpu backend. */
export function cpuLab(): Lab {
  const lab = createLab();
  lab.container.rebind(Services.engine).toConstantValue(portableEngine('cpu'));
  return lab;
}

export interface Toy {
  readonly folder: string;
  readonly train: string;
  readonly test: string;
}

const subjects = ['the cat', 'a mat', 'the adapter', 'a new cat'];

/** Files of texts that say 'good' (spam) or 'bad' (ham). */
export async function toyTask(): Promise<Toy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-toy-'));
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const spam = i % 2 === 0;
      return JSON.stringify({ text: `${subjects[i % subjects.length]} ${spam ? 'good' : 'bad'}`, label: spam ? 'spam' : 'ham' });
    }).join('\n');
  await mkdir(folder, { recursive: true });
  const [train, test] = [path.join(folder, 'train.jsonl'), path.join(folder, 'test.jsonl')];
  await writeFile(train, rows(24));
  await writeFile(test, rows(8));
  return { folder, train, test };
}
