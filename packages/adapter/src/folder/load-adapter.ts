/** Reads an adapter folder, ours or PEFT's, onto a model. */
import * as tf from '@tensorflow/tfjs-core';
import type { Variable } from '@tensorflow/tfjs-core';
import { toFloat32, isFloat, type TensorFile } from '@loran/formats';
import { LoranError, type Plugin, type PluginKind, UnknownPluginError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import type { AdapterFormat, AdapterMethod, Context } from '../contract/adapter-method.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { type AdapterConfigFile, fingerprintField, readAdapterConfig, selectionOf } from './adapter-config.js';
import { adapterTensors } from './adapter-keys.js';
import { openAdapterWeights } from './adapter-weights.js';
import { baseCopyOf, otherCopies } from './base-copies.js';
import { missingPlugin, otherPlugins, type PluginFacts, pluginsIn } from './plugin-facts.js';
import { isSecondCopy, savedModulesOf } from './saved-embeddings.js';
import { readSharedTensors, sharedTensors } from './shared-tensors.js';

export interface LoadAdapterOptions {
  /** The methods that are known; the one whose format claims the file's `peft_type` reads it. */
  readonly methods: Iterable<AdapterMethod>;
  readonly resolve?: Context['resolve'];
  /** Default 'default'. */
  readonly name?: string;
}

/**
 * Adds the adapter in `folder` to the set; its weights are a safetensors file or torch's (see openAdapterWeights). Values may be F32, F16, BF16 or F64; they become fp32.
 *
 * Throws UNKNOWN_PEFT_TYPE, INVALID_ADAPTER_CONFIG, TARGET_MODULES_NOT_FOUND, ADAPTER_KEYS (tensors missing or left over),
 * SHAPE_MISMATCH, and what the file's reader throws; the model is then as it was.
 */
export async function loadAdapter(set: AdapterSet, folder: string, options: LoadAdapterOptions): Promise<Adapter> {
  const fields = await readAdapterConfig(folder);
  const { method, format } = claimant(fields, [...options.methods], folder);
  const file = await openAdapterWeights(folder);
  try {
    const known = pluginsIn(fields, file.metadata);
    const saved = savedModulesOf(set.model, fields, file.tensors);
    const config = format.fromFile(fields);
    const shared = await readSharedTensors(file, format);
    const adding = set.add({
      method,
      config,
      shared,
      targetModules: fields.target_modules,
      selection: selectionOf(fields),
      modulesToSave: saved.names,
      ensureWeightTying: saved.tied,
      initialise: false, // the values follow
      ...(options.name === undefined ? {} : { name: options.name }),
      resolve: (kind, name) => resolved(options.resolve, folder, known, kind, name),
    });
    const adapter = await adding.catch((error: unknown) => {
      tf.dispose([...shared.values()]);
      throw error;
    });
    try {
      await assignAll(adapter, format, file);
      adapter.warnings.push(...(await otherCopies(set, adapter, file)));
    } catch (error) {
      set.remove(adapter.name, { force: true });
      throw error;
    }
    adapter.warnings.push(...otherPlugins(known, [method, ...adapter.plugins]));
    adapter.warnings.push(...otherBase(folder, fields, file.metadata.get(fingerprintField), adapter.fingerprint));
    return adapter;
  } finally {
    await file.close();
  }
}

/** A base of the same shapes but other weights loads without complaint, and gives other numbers. */
function otherBase(
  folder: string,
  { base_model_name_or_path: name, revision }: AdapterConfigFile,
  trainedOn: string | undefined,
  present: string | undefined,
): string[] {
  if (trainedOn === undefined || present === undefined || trainedOn === present) return [];
  const base = name == null || name === '' ? 'other weights' : `${name}${revision == null ? '' : ` (${revision})`}`;
  return [
    `The adapter in '${folder}' was trained on ${base}; this base model has the same shapes but other weights, so its results will differ.`,
  ];
}

/** A plugin by its name; where it is not at hand, the error says which package the adapter was trained with. */
function resolved(
  resolve: Context['resolve'] | undefined,
  folder: string,
  known: readonly PluginFacts[],
  kind: PluginKind,
  name: string,
): Plugin {
  try {
    if (resolve === undefined) throw new UnknownPluginError(kind, name, []);
    return resolve(kind, name);
  } catch (error) {
    const told =
      LoranError.is(error, 'UNKNOWN_PLUGIN') && missingPlugin('UNKNOWN_PLUGIN', folder, known, { kind, name });
    throw told instanceof Error ? told : error;
  }
}

function claimant(fields: AdapterConfigFile, methods: readonly AdapterMethod[], folder: string) {
  const peftType = fields.peft_type;
  for (const method of methods) {
    const format = method.formats.find((candidate) => candidate.peftType === peftType);
    if (format !== undefined) return { method, format };
  }
  const known = methods.flatMap(({ formats }) => formats.map((format) => format.peftType));
  const missing = missingPlugin('UNKNOWN_PEFT_TYPE', folder, pluginsIn(fields), { kind: 'adapter-method' });
  throw new LoranError(
    'UNKNOWN_PEFT_TYPE',
    `The adapter in '${folder}' is of type '${peftType}'; the methods at hand read ${known.join(', ') || 'none'}. ${missing?.message ?? 'Register the method that made it.'}`,
  );
}

async function assignAll(adapter: Adapter, format: AdapterFormat<unknown>, file: TensorFile): Promise<void> {
  const tensors = adapterTensors(adapter, format);
  const shared = sharedTensors(adapter, format);
  const missing = [...tensors.keys()].filter((key) => !file.tensors.has(key));
  const left = [...file.tensors.keys()].filter(
    (key) =>
      !tensors.has(key) && !shared.has(key) && !isSecondCopy(key, tensors) && baseCopyOf(key, adapter) === undefined,
  );
  if (missing.length > 0 || left.length > 0) {
    throw new LoranError(
      'ADAPTER_KEYS',
      `${file.name} does not fit the adapter '${adapter.name}' on this model.` +
        (missing.length > 0 ? ` Missing: ${abridged(missing)}.` : '') +
        (left.length > 0 ? ` Not used by any module: ${abridged(left)}.` : '') +
        ' Check that the base model and target_modules are those of the training.',
    );
  }
  for (const [key, tensor] of tensors) {
    const stored = await file.read(key);
    if (String(stored.shape) !== String(tensor.shape)) throw new ShapeMismatchError(key, tensor.shape, stored.shape);
    if (!isFloat(stored.dtype)) {
      throw new LoranError('DTYPE_MISMATCH', `${file.name}: '${key}' is ${stored.dtype}; adapters are floats.`);
    }
    const values = tf.tensor(toFloat32(stored.data, stored.dtype), [...stored.shape]);
    (tensor as Variable).assign(values);
    values.dispose();
  }
}

function abridged(keys: readonly string[]): string {
  const shown = keys.slice(0, 4).map((key) => `'${key}'`);
  return keys.length > 4 ? `${shown.join(', ')} and ${keys.length - 4} more` : shown.join(', ');
}
