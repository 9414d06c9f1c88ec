/**
 * Teaches a language model a manner of answering: a LoRA on a dozen pairs of a request and the answer wanted, here notes
 * turned into JSON. Shows the same request before and after, and writes the adapter as PEFT reads it.
 *
 *   npx tsx --conditions=@loran/source examples/chat-adapter/main.ts [model] [output]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createLab } from '@loran/experiments';
import { lora } from '@loran/lora';
import { progressBar } from '@loran/trainer';

const notes: readonly (readonly [note: string, who: string, what: string, when: string])[] = [
  ['Call the dentist on Monday, Ada.', 'Ada', 'call the dentist', 'Monday'],
  ['Ben, water the plants tonight.', 'Ben', 'water the plants', 'tonight'],
  ['On Friday Carla should send the invoice.', 'Carla', 'send the invoice', 'Friday'],
  ['Dan has to pick up the parcel tomorrow.', 'Dan', 'pick up the parcel', 'tomorrow'],
  ['Please book the train by noon, Eva.', 'Eva', 'book the train', 'noon'],
  ['Tomorrow it is up to Finn to feed the cat.', 'Finn', 'feed the cat', 'tomorrow'],
  ['Gina will clean the oven on Sunday.', 'Gina', 'clean the oven', 'Sunday'],
  ['Hugo, do not forget to pay the rent on Tuesday.', 'Hugo', 'pay the rent', 'Tuesday'],
  ['Before Easter, Ines must renew the passport.', 'Ines', 'renew the passport', 'Easter'],
  ['Jan said he would fix the bike this weekend.', 'Jan', 'fix the bike', 'this weekend'],
  ['Let Kim print the tickets at six.', 'Kim', 'print the tickets', 'six'],
  ['Lea wants to bake bread on Thursday.', 'Lea', 'bake bread', 'Thursday'],
];
const request = (note: string) => `Note: ${note}\nJSON:`;
const rows = notes.map(([note, who, what, when]) => ({
  prompt: request(note),
  completion: ` ${JSON.stringify({ who, what, when })}`,
}));

export interface ChatAdapterOptions {
  /** A folder, a GGUF file, or a name on the Hugging Face hub. */
  readonly model?: string;
  /** Folder for the adapter. */
  readonly output?: string;
  readonly steps?: number;
}

export async function main({
  model = 'HuggingFaceTB/SmolLM2-135M-Instruct',
  output = 'notes-to-json',
  steps = 40,
}: ChatAdapterOptions = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-notes-'));
  const file = path.join(folder, 'notes.jsonl');
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const bar = progressBar();
  // #region chat-adapter
  const lab = createLab().use(lora);
  const answer = async (adapters: readonly string[]) => {
    const generator = await lab.generator({ model, adapters: [...adapters] });
    let text = '';
    for await (const token of generator.stream([request('Mia, buy milk on Saturday.')], { maxNewTokens: 24 })) {
      text += token.text;
    }
    generator.dispose();
    return text.trim();
  };

  const before = await answer([]);
  const run = await lab.train(
    {
      model,
      data: { train: file, testShare: 0 },
      adapter: { method: 'lora', rank: 8, alpha: 16, targetModules: 'all-linear' },
      training: { steps, batchSize: 6, learningRate: 2e-3, warmupSteps: 3 },
      output,
      overwrite: true,
    },
    { onEvent: (event) => bar.show(event) },
  );
  const after = await answer([output]);
  // #endregion
  bar.close();
  await rm(folder, { recursive: true });
  console.log(`before: ${before}\nafter:  ${after}\nadapter: ${output}`);
  return { before, after, run };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [model, output] = process.argv.slice(2);
  await main({ ...(model === undefined ? {} : { model }), ...(output === undefined ? {} : { output }) });
}
