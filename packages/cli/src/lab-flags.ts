/** The flags that every command with a model has: configuration file, plugins, engine. */
import { type Command, Option } from 'commander';
import { type Lab, Services } from '@loran/experiments';
import type { ModelDownload } from '@loran/models';
import type { PhaseBar, PhaseProgress } from '@loran/trainer';
import { merged, readConfigFile } from './config-file.js';
import { number, repeated } from './flag-values.js';
import { type LabOptions, standardLab } from './standard-lab.js';
import type { Screen } from './terminal.js';

export interface LabFlags {
  readonly [name: string]: unknown;
  readonly config?: string;
  readonly plugin?: readonly string[];
  readonly engine?: string;
  readonly device?: NonNullable<LabOptions['device']>;
  readonly threads?: number;
  readonly offline?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function withLabFlags(command: Command): Command {
  return command
    .option('--config <file>', 'options as YAML or JSON; flags go on top')
    .option('--plugin <module>', 'module that exports plugins; may be repeated', repeated)
    .option('--engine <name>', "(default: 'onnxruntime')")
    .addOption(new Option('--device <name>', '(default: auto)').choices(['auto', 'cpu', 'webgpu', 'cuda']))
    .option('--threads <n>', 'threads of one operator (default: all cores)', number)
    .option('--offline', 'use only what the cache of the Hugging Face hub holds')
    .option('--quiet', 'no progress')
    .option('--json', 'end stdout with one JSON object');
}

/** The lab of a command; its phases show on the screen's bar. */
export async function labOf(
  { plugin, engine, device, threads, offline, quiet }: LabFlags,
  screen: Pick<Screen, 'bar'>,
): Promise<Lab> {
  const options = pick({ plugins: plugin, engine, device, threads }, ['plugins', 'engine', 'device', 'threads']);
  const lab = await standardLab(options);
  const bar = barOf({ quiet }, screen);
  lab.container.rebind<PhaseBar['show']>(Services.progress).toConstantValue(bar.show);
  lab.container.rebind<ModelDownload>(Services.download).toConstantValue({
    ...(offline === true ? { offline } : {}),
    onProgress: ({ file, all }) => {
      bar.show(transfer('download', file, all));
    },
  });
  return lab;
}

/** Where a command shows how far it is: nowhere with --quiet. */
export function barOf({ quiet }: { readonly quiet?: boolean | undefined }, { bar }: Pick<Screen, 'bar'>): PhaseBar {
  return quiet === true ? { show: () => undefined, clear: () => undefined } : bar;
}

/** Bytes on their way to the hub or from it. */
export function transfer(
  phase: 'download' | 'upload',
  file: string,
  { loadedBytes, totalBytes }: { readonly loadedBytes: number; readonly totalBytes: number },
): PhaseProgress {
  return { phase, item: file, done: loadedBytes, total: totalBytes, unit: 'bytes' };
}

/** The options of the configuration file with `given` on top; `data: FILE` there is short for `data: { train: FILE }`. */
export async function configured({ config }: LabFlags, given: Readonly<Record<string, unknown>>) {
  if (config === undefined) return given;
  const file = await readConfigFile(config);
  return merged(typeof file.data === 'string' ? { ...file, data: { train: file.data } } : file, given);
}

/** `--data` as the training data of the options. */
export function dataOf({ data }: LabFlags): { train?: unknown } {
  return data === undefined ? {} : { train: data };
}

/** Flags that name fields of the data. */
export const dataFields = ['textField', 'labelField', 'promptField', 'completionField', 'messagesField'] as const;

/** The named flags that were given. */
export function pick<T extends object, K extends keyof T>(
  flags: T,
  names: readonly K[],
): { [Name in K]?: NonNullable<T[Name]> } {
  const given = names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]] as const);
  return Object.fromEntries(given) as { [Name in K]?: NonNullable<T[Name]> };
}
