/**
 * Writes an adapter for ONNX Runtime: an .onnx_adapter file that fills the inputs of a model written with `adapterInputs`.
 *
 *   y = x W + (x A) B          PATH.lora_A.weight [in, rank] = Aᵀ          PATH.lora_B.weight [rank, out] = scaling · Bᵀ
 */
import { type Adapter, factoredLayers } from '@loran/adapter';
import { fromFloat32, type TensorBytes, transposedValues, writeOnnxAdapter } from '@loran/formats';
import { adapterInputNames } from '../../onnx/model-graph.js';
import { notExportable } from '../export-error.js';
import type { StoredModel } from '../merged-weights.js';
import { checkOneFile } from './save-onnx.js';

/**
 * `model`: what the adapter is on. The model's ONNX file must have inputs for all layers that the adapter changes.
 *
 * Throws NOT_FACTORED when an update is no plain product, NOT_EXPORTABLE for an adapter on an embedding or on T5, NON_FINITE,
 * WRITE_FAILED; the old file is kept then.
 */
export async function saveOnnxAdapter(model: StoredModel, adapter: Adapter, file: string): Promise<void> {
  checkOneFile(model.graphs?.());
  const layers = await factoredLayers(adapter, 'an .onnx_adapter file');
  const embedding = [...layers.keys()].find((path) => model.modules().get(path)?.frozen.kind !== 'linear');
  if (embedding !== undefined) {
    throw notExportable(
      `The adapter '${adapter.name}' is on the embedding ${embedding}; .onnx_adapter files are for linear layers. Merge it into the model and write that.`,
    );
  }
  const tensors = [...layers].flatMap(([path, { A, B, rank, scaling }]): [string, TensorBytes<'F32'>][] => {
    const names = adapterInputNames(path);
    const [width, height] = [A.length / rank, B.length / rank];
    const scaled = B.map((value) => value * scaling);
    return [
      [names.A, f32([width, rank], transposedValues(A, rank, width))],
      [names.B, f32([rank, height], transposedValues(scaled, height, rank))],
    ];
  });
  await writeOnnxAdapter(file, new Map(tensors));
}

const f32 = (shape: readonly number[], values: Float32Array): TensorBytes<'F32'> => ({
  dtype: 'F32',
  shape,
  data: fromFloat32(values, 'F32'),
});
