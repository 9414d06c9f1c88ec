/**
 * The file with an adapter's tensors: adapter_model.safetensors, or what older versions of PEFT and the authors of LoRAN wrote,
 * torch's adapter_model.bin, whole or in parts (.bin.aa, .bin.ab, …).
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type Dtype, hasFileOrParts, openSafetensors, openTorch, type TensorFile } from '@loran/formats';

export const weightsFileName = 'adapter_model.safetensors';
const torchFileName = 'adapter_model.bin';

/** Opens the weights of the adapter in `folder`; safetensors where both are there. Throws what openSafetensors and openTorch do. */
export async function openAdapterWeights(folder: string): Promise<TensorFile<Dtype>> {
  const [safe, torch] = [path.join(folder, weightsFileName), path.join(folder, torchFileName)];
  return !(await exists(safe)) && (await hasFileOrParts(torch)) ? openTorch(torch) : openSafetensors(safe);
}

/** Whether `folder` holds the weights of an adapter. */
export async function hasAdapterWeights(folder: string): Promise<boolean> {
  return (await exists(path.join(folder, weightsFileName))) || hasFileOrParts(path.join(folder, torchFileName));
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
