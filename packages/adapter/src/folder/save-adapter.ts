/** Writes an adapter as a folder that PEFT reads: adapter_config.json, adapter_model.safetensors, README.md. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { fromFloat32, type TensorBytes, writeFileAtomic, writeSafetensors } from '@loran/formats';
import { LoranError, type Plugin } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import { configFileName, fingerprintField, formatAdapterConfig, selectionFields } from './adapter-config.js';
import { adapterTensors } from './adapter-keys.js';
import { weightsFileName } from './adapter-weights.js';
import { modelCard } from './model-card.js';
import { pluginRecord } from './plugin-facts.js';
import { sharedTensors } from './shared-tensors.js';

export interface SaveAdapterOptions {
  /** Name or folder of the base model, for whoever loads the adapter. */
  readonly baseModel?: string;
  /** Version of the base model, as hubs name it: a branch, a tag, a commit; default null. */
  readonly revision?: string;
  /** PEFT's task type: 'SEQ_CLS', 'CAUSAL_LM', 'FEATURE_EXTRACTION', …; default null. */
  readonly taskType?: string;
  /** Further plugins that the adapter depends on, such as the base storage that it was trained over. */
  readonly plugins?: readonly Plugin[];
  /** Which of the method's formats to write; default its first. */
  readonly format?: string;
  /** Text of the model card below its heading; default: what the configuration says. */
  readonly description?: string;
}

/**
 * Writes `adapter` into `folder`, which is made if need be. Parameters are F32. Every file is replaced whole or not at
 * all. Throws NON_FINITE before anything is written when a parameter is not finite, UNKNOWN_FORMAT,
 * NOT_IN_FORMAT and NO_FILE_KEY where the format cannot hold what the adapter is, WRITE_FAILED.
 */
export async function saveAdapter(adapter: Adapter, folder: string, options: SaveAdapterOptions = {}): Promise<void> {
  const { method, config, targetModules, modulesToSave } = adapter;
  const format =
    options.format === undefined ? method.formats[0] : method.formats.find(({ name }) => name === options.format);
  if (format === undefined) {
    throw new LoranError(
      'UNKNOWN_FORMAT',
      `'${method.name}' cannot be written as '${options.format ?? 'a file'}'; it knows: ${method.formats.map(({ name }) => name).join(', ') || 'no format'}.`,
    );
  }
  const own = format.toFile(config, adapter);
  const tensors: [string, TensorBytes][] = [];
  const converted = new Map([...adapter.layers.values()].map((layer) => [layer, layer.saved?.()]));
  try {
    const ofLayers = adapterTensors(adapter, format, (layer) => converted.get(layer) ?? layer.parameters);
    for (const [key, tensor] of [...ofLayers, ...sharedTensors(adapter, format)]) {
      const values = Float32Array.from(await tensor.data<'float32'>());
      if (!values.every(Number.isFinite)) {
        throw new LoranError('NON_FINITE', `'${key}' holds NaN or infinite values; the adapter was not saved.`);
      }
      tensors.push([key, { dtype: 'F32', shape: tensor.shape, data: fromFloat32(values, 'F32') }]);
    }
  } finally {
    for (const made of converted.values()) tf.dispose([...(made?.values() ?? [])]);
  }
  const record = pluginRecord(format, method, [...adapter.plugins, ...(options.plugins ?? [])]);
  const fields = {
    auto_mapping: null,
    ...(adapter.ensureWeightTying ? { ensure_weight_tying: true } : {}),
    base_model_name_or_path: options.baseModel ?? null,
    inference_mode: true,
    modules_to_save: modulesToSave.length > 0 ? modulesToSave : null,
    peft_type: format.peftType,
    revision: options.revision ?? null,
    target_modules: targetModules,
    ...selectionFields(adapter.selection),
    task_type: options.taskType ?? null,
    ...own,
    ...record.fields,
  };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(path.join(folder, weightsFileName), tensors, {
    format: 'pt',
    ...record.metadata,
    ...(adapter.fingerprint === undefined ? {} : { [fingerprintField]: adapter.fingerprint }),
  });
  await writeFileAtomic(path.join(folder, configFileName), formatAdapterConfig(fields));
  await writeFileAtomic(path.join(folder, 'README.md'), modelCard(fields, method.name, options));
}
