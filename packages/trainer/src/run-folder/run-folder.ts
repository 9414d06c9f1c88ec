/**
 * The folder of a training run:
 *
 *   adapter_config.json, adapter_model.safetensors, README.md    the adapter, as PEFT reads it
 *   run.json                                                     settings, seeds, versions, machine, how it ended
 *   metrics.jsonl                                                a line for each update
 *   tokenizer.json, tokenizer_config.json, chat templates        of a run that added tokens
 *
 * metrics.jsonl grows by lines; every other file is replaced whole or not at all, so that a crash leaves what was there.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type Adapter, saveAdapter, type SaveAdapterOptions } from '@loran/adapter';
import { writeFileAtomic } from '@loran/formats';
import { saveTokenizer, type Tokenizer } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { currentEngine } from '@loran/tensor';
import type { Metrics, TrainingEvent } from '../training-event.js';
import { formatStep, metricsFileName } from './metrics-file.js';
import { formatRun, recordFileName, type RunRecord } from './run-record.js';
import { machine, versions } from './surroundings.js';

export interface RunDescription {
  /** The settings in use, defaults filled in; anything that JSON can hold. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly seeds: Readonly<Record<string, number>>;
  /** Labels in the order of the classes, for whoever evaluates; none for other tasks. */
  readonly labels?: { readonly labels: readonly string[]; readonly names: readonly string[] };
  /** Written beside the adapter where it is another than the base model's; default none. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Versions of further packages, by name: the method's, the storage's. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface RunFolderOptions {
  /** Remove the run that the folder holds; default false: that is an error. */
  readonly overwrite?: boolean;
}

const files = ['adapter_config.json', 'adapter_model.safetensors', 'README.md', recordFileName, metricsFileName];
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'additional_chat_templates'];

export class RunFolder {
  readonly path: string;
  #record: RunRecord;

  private constructor(folder: string, record: RunRecord) {
    this.path = folder;
    this.#record = record;
  }

  /**
   * Makes the folder and its run.json. Throws RUN_FOLDER_IN_USE when it holds files of a run, or others of their names, and
   * WRITE_FAILED.
   */
  static async create(folder: string, about: RunDescription, options: RunFolderOptions = {}): Promise<RunFolder> {
    const { configuration, seeds, labels, tokenizer, versions: others } = about;
    await writing(folder, () => fs.mkdir(folder, { recursive: true }));
    await makeRoom(folder, options.overwrite ?? false, tokenizer !== undefined);
    if (tokenizer !== undefined) await saveTokenizer(tokenizer, folder);
    const run = new RunFolder(folder, {
      format: 'loran-run',
      formatVersion: 1,
      status: 'running',
      started: new Date().toISOString(),
      configuration,
      seeds,
      ...(labels === undefined
        ? {}
        : { labels: labels.labels.map((label, i) => ({ label, name: labels.names[i] ?? label })) }),
      versions: versions(others),
      machine: machine(),
      evaluations: [],
      metrics: {},
    });
    await run.#update({});
    return run;
  }

  /** What run.json says. */
  get record(): RunRecord {
    return this.#record;
  }

  /** Writes the adapter and gives the folder, as `train` asks of `save`. Throws what `saveAdapter` does. */
  async save(adapter: Adapter, options: SaveAdapterOptions = {}): Promise<string> {
    await saveAdapter(adapter, this.path, options);
    return this.path;
  }

  /** Passes the events of a training on, and writes down what they say and how it ended. */
  async *follow(events: AsyncIterable<TrainingEvent>): AsyncGenerator<TrainingEvent, void, void> {
    const file = path.join(this.path, metricsFileName);
    const lines = await writing(file, () => fs.open(file, 'a'));
    let progress = { step: 0, epoch: 1, seconds: 0, tokens: 0 };
    let ending: Pick<RunRecord, 'status' | 'error'> = { status: 'interrupted' }; // should the reader leave early
    try {
      for await (const event of events) {
        const { step, epoch, seconds } = event;
        progress = { step, epoch, seconds, tokens: progress.tokens };
        if (event.type === 'step') {
          progress.tokens += event.tokens;
          await writing(file, () => lines.appendFile(formatStep(event)));
        }
        if (event.type === 'evaluation') {
          const evaluations = [...this.#record.evaluations, { step, epoch, metrics: { ...event.metrics } }];
          await this.#update({ evaluations, metrics: { ...event.metrics } });
        }
        if (event.type === 'finished') ending = { status: 'finished' };
        yield event;
      }
    } catch (error) {
      const code = LoranError.is(error) ? error.code : 'ERROR';
      ending = { status: 'failed', error: { code, message: error instanceof Error ? error.message : String(error) } };
      throw error;
    } finally {
      await lines.close();
      const { peakResidentBytes } = currentEngine().memory();
      const last = this.#update({
        ...ending,
        ended: new Date().toISOString(),
        progress: { ...progress, peakResidentBytes },
      });
      await (ending.error === undefined ? last : last.catch(() => {})); // the first error is the one to report
    }
  }

  /** Adds final metrics, such as those on a test set. */
  async report(metrics: Metrics): Promise<void> {
    await this.#update({ metrics: { ...this.#record.metrics, ...metrics } });
  }

  async #update(changes: Partial<RunRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    await writeFileAtomic(path.join(this.path, recordFileName), formatRun(this.#record));
  }
}

/** Throws RUN_FOLDER_IN_USE, or removes the files of the run that was here. */
async function makeRoom(folder: string, overwrite: boolean, withTokenizer: boolean): Promise<void> {
  const entries = await fs.readdir(folder);
  const isRun = entries.some((name) => files.includes(name) && name !== 'README.md');
  const ours = isRun || withTokenizer ? [...files, ...tokenizerFiles] : files; // another's tokenizer stays
  const present = entries.filter((name) => ours.includes(name));
  if (present.length === 0) return;
  if (!overwrite || !isRun) {
    throw new LoranError(
      'RUN_FOLDER_IN_USE',
      `'${folder}' already holds ${present.join(', ')}. Choose another folder${isRun ? ', or set overwrite to replace the run there' : ''}.`,
    );
  }
  for (const name of present)
    await writing(path.join(folder, name), () => fs.rm(path.join(folder, name), { recursive: true }));
}

async function writing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LoranError(
      'WRITE_FAILED',
      `'${file}' could not be written (${code}). Check the place, its permissions and the free space.`,
      { cause },
    );
  }
}
