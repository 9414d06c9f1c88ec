/** `--config run.yaml`: the options of a run as YAML or JSON, in the shape of TrainRunOptions; flags go on top. */
import { readFile } from 'node:fs/promises';
import { LoranError } from '@loran/plugin';
import { parse, YAMLParseError } from 'yaml';

type Options = Readonly<Record<string, unknown>>;

export async function readConfigFile(file: string): Promise<Options> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LoranError('CONFIG_NOT_FOUND', `The configuration '${file}' could not be read.`, { cause });
  }
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw new LoranError('INVALID_CONFIG_FILE', `${file}: ${cause.message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LoranError('INVALID_CONFIG_FILE', `${file}: expected options by name, such as 'model: ./model'.`);
  }
  return value as Options;
}

/** `over` on top of `under`, group by group. */
export function merged(under: Options, over: Options): Options {
  const result: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = result[name];
    result[name] = isGroup(value) ? merged(isGroup(below) ? below : {}, value) : value;
  }
  return result;
}

const isGroup = (value: unknown): value is Options =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
