/**
 * TensorFlow as the engine: `@tensorflow/tfjs-node-gpu` (CUDA) or `@tensorflow/tfjs-node`, whichever is installed.
 *
 * Ops run at once, so intermediates live until they are disposed: three to four times the memory of the lazy engine.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { type Engine, type EngineOptions, portableMemory, registerGradients } from '@loran/tensor';
import { allocatorNotice } from './allocator-notice.js';
import { cpuPackage, findPackage, gpuPackage, type PackageName, searchedFolders } from './find-package.js';
import { registerCodeLookup } from './gather.js';
import { loadedBackend, loadPackage } from './load-package.js';
import type { NodeBackend } from './node-backend.js';
import { storedCodes, type StoredCodes } from './stored-codes.js';
import { version } from './version.js';

export interface TensorflowEngineOptions {
  /**
   * A folder whose `node_modules` has one of the two packages; default: the environment's LORAN_TENSORFLOW_HOME, then the working
   * directory, then beside this package.
   */
  readonly modules?: string;
  /** Gets the lines for the user, such as which device 'auto' chose; default: stderr. */
  readonly log?: (line: string) => void;
}

/** An engine with its own settings; `tensorflow` is the one with the defaults. */
export function createTensorflowEngine({
  modules,
  log = (line) => process.stderr.write(`${line}\n`),
}: TensorflowEngineOptions = {}): Engine {
  let opened: { readonly backend: NodeBackend; readonly codes: StoredCodes } | undefined;
  const use = () => {
    if (opened !== undefined) return opened;
    throw new LoranError(
      'ENGINE_CLOSED',
      "The engine 'tensorflow' is not open. Open it first: await openEngine(tensorflow).",
    );
  };

  return {
    kind: 'engine',
    name: 'tensorflow',
    package: '@loran/engine-tensorflow',
    version,

    get device() {
      return opened === undefined ? 'none' : deviceOf(opened.backend);
    },

    async open({ device = 'auto', threads }: EngineOptions = {}) {
      const names = candidates(device);
      const present = loadedBackend();
      const notice = present === undefined ? allocatorNotice() : undefined;
      if (present !== undefined && threads !== undefined) {
        log('loran: TensorFlow was loaded before this engine opened, so its threads stay as they are.');
      }
      const backend =
        present ?? loadPackage(findPackage(names, searchedFolders(modules)), { threads, hideGpu: device === 'cpu' });
      checkDevice(backend, device);
      if (notice !== undefined) log(notice);
      await tf.setBackend('tensorflow');
      registerGradients(); // loading the package registered tfjs's own over the lean ones
      opened = { backend, codes: codesOf(backend) };
      if (device === 'auto') {
        log(
          `loran: engine tensorflow computes on device '${deviceOf(backend)}' by ${packageOf(backend)} (chosen by 'auto').`,
        );
      }
    },

    close() {
      opened = undefined;
      return Promise.resolve();
    },

    opaque: (bytes, type, shape) => use().codes.create(bytes, type, shape),
    after: (tensor) => tf.clone(tensor), // ops run at once
    flush: () => Promise.resolve(),

    memory() {
      const { codes } = use();
      const counted = portableMemory();
      return { ...counted, bytes: counted.bytes - codes.uncounted };
    },
  };
}

/** The engine with the default settings. */
export const tensorflow: Engine = createTensorflowEngine();

/** A backend is taught once, however many engines open on it. */
const taught = new WeakMap<NodeBackend, StoredCodes>();

function codesOf(backend: NodeBackend): StoredCodes {
  const known = taught.get(backend);
  if (known !== undefined) return known;
  const codes = storedCodes(backend);
  registerCodeLookup(backend, codes);
  taught.set(backend, codes);
  return codes;
}

const deviceOf = (backend: NodeBackend): 'cuda' | 'cpu' => (backend.isUsingGpuDevice ? 'cuda' : 'cpu');
const packageOf = (backend: NodeBackend): PackageName => (backend.isGPUPackage ? gpuPackage : cpuPackage);

function candidates(device: NonNullable<EngineOptions['device']>): readonly PackageName[] {
  if (device === 'webgpu') {
    throw new LoranError(
      'DEVICE_UNAVAILABLE',
      "The engine 'tensorflow' computes on 'cuda' or 'cpu'; for device 'webgpu' use @loran/engine-onnxruntime.",
    );
  }
  if (device === 'cuda') return [gpuPackage];
  return device === 'cpu' ? [cpuPackage, gpuPackage] : [gpuPackage, cpuPackage];
}

function checkDevice(backend: NodeBackend, wanted: NonNullable<EngineOptions['device']>): void {
  const found = `${packageOf(backend)} with TensorFlow ${backend.binding.TF_Version}`;
  if (wanted === 'cuda' && !backend.isUsingGpuDevice) {
    throw new LoranError(
      'DEVICE_UNAVAILABLE',
      backend.isGPUPackage
        ? `Device 'cuda' is not available: ${found} found no GPU, only the CPU. It needs an NVIDIA GPU with its driver, CUDA 11.2 ` +
            "and cuDNN 8.1 on the library path; with TF_CPP_MIN_LOG_LEVEL=0 TensorFlow says which library it missed. Or use device 'cpu'."
        : `Device 'cuda' is not available: this process has loaded ${found}, which computes on the CPU, and cannot load a second ` +
            `TensorFlow. Start a new process in which ${gpuPackage} is used.`,
    );
  }
  if (wanted === 'cpu' && backend.isUsingGpuDevice) {
    throw new LoranError(
      'DEVICE_UNAVAILABLE',
      `Device 'cpu' is not available: this process has loaded ${found} on a GPU. Set CUDA_VISIBLE_DEVICES=-1, or start a new process.`,
    );
  }
}
