/**
 * adapter_config.json, in PEFT's layout: the fields that every method shares; each method's format adds its own.
 * PEFT sorts the keys and indents by two, and so do we.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import type { Selection } from '../target-modules.js';

const sharedFields = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  task_type: z.string().nullish(),
  target_modules: z.union([z.string(), z.array(z.string())]),
  exclude_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: z.union([z.string(), z.array(z.string())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  ensure_weight_tying: z.boolean().nullish(),
});

export type AdapterConfigFile = z.infer<typeof sharedFields>;

export const configFileName = 'adapter_config.json';

/**
 * In the metadata of the weights' file: Adaptable.fingerprint of the base that the adapter was trained on. There, since PEFT
 * warns about fields of adapter_config.json that it does not know.
 */
export const fingerprintField = 'base_model_fingerprint';

/** Reads and checks the shared fields. Throws ADAPTER_NOT_FOUND or INVALID_ADAPTER_CONFIG, naming file and field. */
export async function readAdapterConfig(folder: string): Promise<AdapterConfigFile> {
  const notFound = `No adapter in '${folder}': ${configFileName} could not be read. Give the folder that training wrote.`;
  return (await readConfigFile(path.join(folder, configFileName), sharedFields, notFound)).fields;
}

export interface ConfigFile<T> {
  readonly fields: T;
  /** An error about the file: INVALID_ADAPTER_CONFIG. */
  readonly invalid: (problem: string) => LoranError;
}

/** A configuration in JSON. Throws ADAPTER_NOT_FOUND with that message, or INVALID_ADAPTER_CONFIG, naming file and field. */
export async function readConfigFile<T>(file: string, schema: z.ZodType<T>, notFound: string): Promise<ConfigFile<T>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LoranError('ADAPTER_NOT_FOUND', notFound, { cause });
  }
  const invalid = (problem: string, cause?: unknown) =>
    new LoranError('INVALID_ADAPTER_CONFIG', `${file}: ${problem}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid('this is not JSON.', cause);
  }
  const result = schema.safeParse(json);
  if (result.success) return { fields: result.data, invalid };
  const problems = result.error.issues.map((issue) => `field '${issue.path.join('.')}': ${issue.message}`);
  throw invalid(problems.join('; '), result.error);
}

/** Which of the matched modules the file leaves out. */
export function selectionOf(fields: AdapterConfigFile): Selection {
  const { exclude_modules: excluded, layers_to_transform: layers, layers_pattern: pattern } = fields;
  return {
    ...(excluded == null ? {} : { excludeModules: excluded }),
    ...(layers == null ? {} : { layersToTransform: [layers].flat() }),
    ...(pattern == null ? {} : { layersPattern: [pattern].flat().filter((name) => name !== '') }),
  };
}

/** The same as fields of the file: those that are used, since not every method of PEFT has them all. */
export function selectionFields({ excludeModules, layersToTransform, layersPattern }: Selection): object {
  return {
    ...(excludeModules === undefined ? {} : { exclude_modules: excludeModules }),
    ...(layersToTransform === undefined ? {} : { layers_to_transform: layersToTransform }),
    ...(layersPattern === undefined ? {} : { layers_pattern: layersPattern }),
  };
}

/** The text of adapter_config.json. */
export function formatAdapterConfig(fields: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
