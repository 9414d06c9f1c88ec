/** Writes a model with its adapters merged in as ONNX, in a folder that transformers.js loads. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { AdapterSet, matchTargetModules, type TargetModules } from '@loran/adapter';
import { OnnxGraph, type TensorValues, writeOnnx, type WriteOnnxOptions } from '@loran/formats';
import { found } from '../../checkpoint/load-modules.js';
import type { ModelSource } from '../../model-family.js';
import { ModelGraph } from '../../onnx/model-graph.js';
import { notExportable } from '../export-error.js';
import { mergedConfig } from '../merged-config.js';
import { mergedWeights, type StoredModel } from '../merged-weights.js';
import { writeModelFiles } from '../model-files.js';
import { newFolder, type NewFolderOptions, refuseFolderOf } from '../new-folder.js';
import { Rounding } from '../rounding.js';
import type { SavedModel } from '../save-merged-model.js';

export interface SaveOnnxOptions extends NewFolderOptions, WriteOnnxOptions {
  /** What matrices are kept in; vectors stay F32, and so do all values in between. Default F32. */
  readonly dtype?: 'F32' | 'F16';
  /**
   * Linear layers that get inputs PATH.lora_A.weight [in, rank] and PATH.lora_B.weight [rank, out], which may be left out: for
   * .onnx_adapter files (`saveOnnxAdapter`), many for one model. Default none.
   */
  readonly adapterInputs?: TargetModules;
  /**
   * Whether those inputs must be given, empty ones ([in, 0] and [0, out]) for no adapter. Runtimes that know no optional inputs
   * ask for it, onnxruntime-node among them. Default false.
   */
  readonly adapterInputsRequired?: boolean;
}

/** As transformers.js names them: by `dtype: 'fp32'` and `'fp16'`. */
const endings = { F32: '.onnx', F16: '_fp16.onnx' } as const;

/**
 * Writes onnx/model.onnx (F16: onnx/model_fp16.onnx), config.json, generation_config.json and the tokenizer. `source`: what the
 * model was loaded from, opened anew; the caller closes its weights. `adapters`: those of the model, whose active ones are
 * merged; default none.
 *
 * A language model has input_ids, attention_mask and past_key_values for inputs, logits and present for outputs; a classifier
 * logits; an encoder last_hidden_state and sentence_embedding. Sizes of batch and text are free. T5 is two files,
 * encoder_model.onnx and decoder_model_merged.onnx.
 *
 * Throws NOT_EXPORTABLE for a family that does not say how it is written, TARGET_MODULES_NOT_FOUND, FOLDER_NOT_EMPTY,
 * NON_FINITE, WRITE_FAILED; the folder is then as it was.
 */
export async function saveOnnx(
  source: ModelSource,
  model: StoredModel & { readonly family: string; readonly labels?: readonly string[]; readonly pooling?: string },
  adapters: AdapterSet | undefined,
  folder: string,
  { dtype = 'F32', adapterInputs, adapterInputsRequired = false, ...options }: SaveOnnxOptions = {},
): Promise<SavedModel> {
  refuseFolderOf(source.name, folder);
  const graphs = model.graphs?.();
  if (graphs === undefined) {
    throw notExportable(
      `${source.name}: models of the family '${model.family}' with this task are not written as ONNX. Merge into a Hugging Face folder instead (--to hf).`,
    );
  }
  if (adapterInputs !== undefined) checkOneFile(graphs);
  const weights = mergedWeights(source.weights, model, adapters ?? new AdapterSet(model));
  const slots = model.modules();
  const { specs, tied } = model.checkpoint;
  const from = {
    specs,
    frozen: (path: string) => found(slots, path).frozen,
    isConv1d: (path: string) => model.conv1d?.has(path) === true,
    tiedTo: (path: string) => (weights.untied.includes(path) ? undefined : tied.get(path)),
    names: weights.names,
    weights,
  };
  const rounding = new Rounding();
  const graphOptions = {
    dtype,
    adapterInputs: new Set(adapterInputs === undefined ? [] : adapterPaths(model, adapterInputs)),
    adapterInputsRequired,
    onWeight: (weight: TensorValues<'F32' | 'F16'>) => rounding.of(weight),
  };
  const written = Object.entries(graphs).map(([name, write]): [string, OnnxGraph] => {
    const onnx = new OnnxGraph();
    write(new ModelGraph(onnx, from, graphOptions));
    return [`${name}${endings[dtype]}`, onnx];
  });
  let warnings: readonly string[] = [];
  await newFolder(folder, options, async (empty) => {
    await fs.mkdir(join(empty, 'onnx'));
    const hear = ofAll(written, options.onProgress);
    let external = {};
    for (const [name, onnx] of written) {
      const files = await writeOnnx(join(empty, 'onnx', name), onnx, { ...options, ...hear(onnx) });
      if (files.length > 1) external = { 'transformers.js_config': { use_external_data_format: true } };
    }
    warnings = await writeModelFiles(source, empty, {
      ...mergedConfig(source.config, weights, model, 'F32'),
      ...external,
    });
  });
  return {
    files: (await fs.readdir(folder)).sort(),
    warnings: [...warnings, ...rounding.warnings(`Weights were rounded to ${dtype}`)],
  };
}

/** What each file's writer reports to, so that all files count as one. */
function ofAll(files: readonly (readonly [string, OnnxGraph])[], onProgress: WriteOnnxOptions['onProgress']) {
  const sizes = files.map(([, { byteLength }]) => byteLength);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return (onnx: OnnxGraph): Pick<WriteOnnxOptions, 'onProgress'> => {
    const place = files.findIndex(([, file]) => file === onnx);
    const before = sizes.slice(0, place).reduce((sum, size) => sum + size, 0);
    return onProgress === undefined ? {} : { onProgress: (written) => onProgress(before + written, total) };
  };
}

/** An adapter file must name inputs of its model alone. Throws NOT_EXPORTABLE where the model is several files. */
export function checkOneFile(graphs: Readonly<Record<string, unknown>> = {}): void {
  const names = Object.keys(graphs);
  if (names.length < 2) return;
  throw notExportable(
    `This model is ${names.length} files as ONNX (${names.join(', ')}), and an .onnx_adapter file fills the inputs of one. Merge the adapter into the model.`,
  );
}

/** Paths of the linear layers that these names match. */
function adapterPaths(model: StoredModel, names: TargetModules): string[] {
  const paths = matchTargetModules(model, names);
  const other = paths.find((path) => model.modules().get(path)?.frozen.kind !== 'linear');
  if (other === undefined) return paths;
  throw notExportable(`'${other}' is an embedding; only linear layers get inputs for an adapter.`);
}
