/** What a file or folder holds, without reading any weights: adapters, models, GGUF and safetensors files, runs. */
import fs from 'node:fs/promises';
import { openAdapterWeights, readAdapterConfig } from '@loran/adapter';
import { openGguf, openSafetensors, type TensorFile } from '@loran/formats';
import { fetchModel, type ModelDownload, openModel } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { runBeside } from './trained-with.js';

export interface InspectedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface Inspection {
  readonly path: string;
  readonly kind: 'adapter' | 'model' | 'gguf' | 'safetensors';
  /** What the file says of itself, by field; long values shortened by whoever shows them. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly tensors: readonly InspectedTensor[];
  /** Numbers that the tensors hold. */
  readonly parameters: number;
  /** Bytes that they take. */
  readonly bytes: number;
}

/** Throws NOTHING_TO_INSPECT for what is none of these, and what the readers find wrong. */
export async function inspect(target: string, download?: ModelDownload): Promise<Inspection> {
  const { path: file } = await fetchModel(target, download);
  const stat = await fs.stat(file).catch(() => undefined);
  if (stat?.isFile() === true) {
    if (/\.gguf$/i.test(file)) return inspectGguf(file);
    if (/\.safetensors$/i.test(file)) return inspectSafetensors(file);
  }
  if (stat?.isDirectory() === true && (await has(file, 'adapter_config.json'))) return inspectAdapter(file);
  if (stat !== undefined) return inspectModel(file);
  throw new LoranError(
    'NOTHING_TO_INSPECT',
    `'${target}' does not exist. Give an adapter folder, a model folder, a .gguf or .safetensors file, or a name on the hub.`,
  );
}

async function inspectAdapter(folder: string): Promise<Inspection> {
  const config = await readAdapterConfig(folder);
  const run = await runBeside(folder);
  const facts = {
    ...withoutNull(config),
    ...(run === undefined ? {} : { run: { status: run.status, started: run.started, metrics: run.metrics } }),
  };
  return closing(await openAdapterWeights(folder), 'adapter', folder, facts);
}

async function inspectModel(file: string): Promise<Inspection> {
  const { config, weights, tokenizer } = await openModel(file);
  const vocabulary = { tokens: tokenizer.vocabularySize, chatTemplates: tokenizer.chatTemplates };
  return closing(weights, 'model', file, { ...withoutNull(config), tokenizer: vocabulary });
}

async function inspectGguf(file: string): Promise<Inspection> {
  const gguf = await openGguf(file);
  const facts = Object.fromEntries([...gguf.fields].map(([name, { value }]) => [name, value]));
  return closing(gguf, 'gguf', file, { version: gguf.version, ...facts });
}

async function inspectSafetensors(file: string): Promise<Inspection> {
  const tensors = await openSafetensors(file);
  return closing(tensors, 'safetensors', file, Object.fromEntries(tensors.metadata));
}

async function closing(
  file: TensorFile,
  kind: Inspection['kind'],
  target: string,
  facts: Inspection['facts'],
): Promise<Inspection> {
  try {
    const entries = [...file.tensors];
    return {
      path: target,
      kind,
      facts,
      tensors: entries.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      parameters: entries.reduce((sum, [, { shape }]) => sum + shape.reduce((all, size) => all * size, 1), 0),
      bytes: entries.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
    };
  } finally {
    await file.close();
  }
}

const has = async (folder: string, name: string): Promise<boolean> => (await fs.readdir(folder)).includes(name);

const withoutNull = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
