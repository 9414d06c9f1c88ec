/**
 * Where to compute. A device counts as there when ONNX Runtime can run a graph of one node on it; nothing falls back silently.
 */
import { LoranError } from '@loran/plugin';
import { GraphBuilder } from './onnx/graph-builder.js';
import type { Model } from './worker/protocol.js';
import type { WorkerLink } from './worker/worker-link.js';

export type Device = 'cpu' | 'webgpu' | 'cuda';

const advice: Readonly<Record<Device, string>> = {
  cpu: 'Install onnxruntime-node again for this platform: npm install onnxruntime-node.',
  webgpu:
    'It needs a GPU with its driver and, on Linux, the Vulkan loader (Debian, Ubuntu: apt install libvulkan1). ' +
    "Or use device 'cpu'.",
  cuda:
    'It needs Linux on x64, an NVIDIA driver, CUDA 12 with cuDNN 9, and the CUDA libraries that the install script of ' +
    'onnxruntime-node fetches: ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node --ignore-scripts=false. ' +
    "Or use device 'cpu', or @loran/engine-tensorflow.",
};

/** The device to use. 'auto' takes CUDA where it works and the CPU elsewhere. Throws DEVICE_UNAVAILABLE. */
export async function chooseDevice(
  link: WorkerLink,
  wanted: Device | 'auto',
  log: (line: string) => void,
): Promise<Device> {
  if (wanted === 'auto') {
    const device = (await refusal(link, 'cuda')) === null ? 'cuda' : 'cpu';
    if (device === 'cpu') await require(link, 'cpu');
    log(`loran: engine onnxruntime computes on device '${device}' (chosen by 'auto').`);
    return device;
  }
  await require(link, wanted);
  return wanted;
}

async function require(link: WorkerLink, device: Device): Promise<void> {
  const found = await refusal(link, device);
  if (found === null) return;
  throw new LoranError('DEVICE_UNAVAILABLE', `Device '${device}' is not available: ${found}. ${advice[device]}`);
}

/** Why the runtime cannot compute on that device; null where it can. */
function refusal(link: WorkerLink, device: Device): Promise<string | null> {
  const graph = new GraphBuilder();
  const one = graph.scalar('float32', 1);
  const output = graph.output(graph.node('Add', [one, one], { type: 'float32', shape: [] }));
  return refusalOf(link, device, { bytes: graph.model(), inputs: [], outputs: [output.name] });
}

/** Why the runtime cannot run that model on the device; null where it can. */
export async function refusalOf(
  link: Pick<WorkerLink, 'request'>,
  device: string,
  model: Model,
): Promise<string | null> {
  const { result, error } = await link.request({ kind: 'probe', device, model });
  return error ?? (result as string | null);
}
