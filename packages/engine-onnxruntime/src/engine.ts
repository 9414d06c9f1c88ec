/**
 * The default engine: a lazy tfjs backend over ONNX Runtime, behind loran's engine interface.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { Engine, EngineMemory, EngineOptions, OpaqueType, Recorded } from '@loran/tensor';
import { availableParallelism, totalmem } from 'node:os';
import { OnnxruntimeBackend } from './backend/onnxruntime-backend.js';
import { rehearsal } from './backend/rehearsal.js';
import type { RunObserver } from './backend/run-record.js';
import type { BackendSettings } from './backend/settings.js';
import { chooseDevice, refusalOf } from './device.js';
import { chooseInt8Way, int8Notice } from './int8-way.js';
import { kernels } from './kernels/index.js';
import { useInt8Way } from './kernels/int8-product.js';
import type { KernelDefinition } from './kernels/kernel.js';
import { version } from './version.js';
import type { Report } from './worker/protocol.js';
import { type Link, WorkerLink } from './worker/worker-link.js';

/** The name of the tfjs backend. */
const backendName = 'onnxruntime';

export interface OnnxruntimeEngineOptions {
  /** Whether errors say where in your code an op was called; makes building graphs slower. Default false. */
  readonly callSites?: boolean;
  /** The module that has the runtime; default 'onnxruntime-node'. A name is resolved from this package. */
  readonly runtime?: string;
  /** Compiled graphs kept. Default 16. */
  readonly sessions?: number;
  /** Memory that they may keep together, in bytes (estimated); the newest may exceed it. Default: a quarter of the machine's. */
  readonly sessionBytes?: number;
  /** Nodes that may be pending before they are computed unasked. Default 10000, some three steps of a 10-layer model. */
  readonly pendingNodes?: number;
  /** Computes nothing, loads no runtime, and gives ones for every value: `observe` says what a run would take. Default false. */
  readonly rehearsal?: boolean;
  /** Gets the lines that say which device 'auto' chose and, once it matters, how int8 weights are multiplied; default: stderr. */
  readonly log?: (line: string) => void;
}

export interface OnnxruntimeEngine extends Engine {
  /** Calls `observer` after every run of a graph, with its timings and products; returns a function that stops it. */
  observe(observer: RunObserver): () => void;
}

interface Opened {
  readonly link: Link;
  readonly backend: OnnxruntimeBackend;
  readonly device: string;
}

/** An engine with its own settings; `onnxruntime` is the one with the defaults. */
export function createOnnxruntimeEngine({
  runtime = 'onnxruntime-node',
  sessions = 16,
  sessionBytes = memoryOfMachine() / 4,
  pendingNodes = 10_000,
  callSites = false,
  rehearsal: rehearses = false,
  log = (line) => process.stderr.write(`${line}\n`),
}: OnnxruntimeEngineOptions = {}): OnnxruntimeEngine {
  let opened: Opened | null = null;
  const use = (): Opened => {
    if (opened === null) {
      throw new LoranError(
        'ENGINE_CLOSED',
        "The engine 'onnxruntime' is not open. Open it first: await openEngine(onnxruntime).",
      );
    }
    return opened;
  };

  const close = async (): Promise<void> => {
    const closing = opened;
    opened = null;
    if (closing === null) return;
    if (registered() === closing.backend) tf.removeBackend(backendName);
    await closing.link.close();
  };

  return {
    kind: 'engine',
    name: 'onnxruntime',
    package: '@loran/engine-onnxruntime',
    version,

    get device() {
      return opened?.device ?? 'none';
    },

    async open({ device = 'auto', threads = availableParallelism() }: EngineOptions = {}) {
      await close();
      const settings = { sessions, sessionBytes, pendingNodes, callSites };
      const { link, backend, choose } = rehearses
        ? { ...rehearsal(settings), choose: () => (device === 'auto' ? 'cpu' : device) }
        : await startBackend(runtime, threads, settings, (link) => chooseDevice(link, device, log));
      try {
        const chosen = await choose();
        const int8Way = rehearses ? 'signed' : await chooseInt8Way((model) => refusalOf(link, chosen, model));
        useInt8Way(backend, int8Way, () => {
          const notice = int8Notice[int8Way];
          if (notice !== undefined) log(notice);
        });
        registerKernels(kernels);
        if (registered() !== null) tf.removeBackend(backendName);
        tf.registerBackend(backendName, () => backend);
        await tf.setBackend(backendName);
        opened = { link, backend, device: chosen };
      } catch (error) {
        await link.close();
        throw error;
      }
    },

    close,

    opaque(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): Tensor {
      checkLength(bytes, type, shape);
      return tf.engine().makeTensorFromTensorInfo(use().backend.writeOpaque(bytes, type, shape));
    },

    after<T extends Tensor>(tensor: T, dependency: Tensor): T {
      return tf.engine().runKernel('LoranAfter', { x: tensor, dependency }) as T;
    },

    record<T extends Tensor>(inputs: readonly Tensor[], run: () => readonly T[]): Recorded<T> {
      const { backend } = use();
      let outputs: readonly T[] = [];
      const recording = backend.recorder.record(inputs, () => (outputs = run()));
      if (recording === undefined) return { outputs };
      return {
        outputs,
        recording: {
          repeat: (again) => recording.repeat(again).map((info) => tf.engine().makeTensorFromTensorInfo(info) as T),
          dispose: () => {
            recording.dispose();
          },
        },
      };
    },

    flush: () => use().backend.flush(),

    memory(): EngineMemory {
      const { backend } = use();
      return {
        tensors: tf.memory().numTensors,
        bytes: backend.bytes,
        sessions: backend.runs.sessions,
        residentBytes: process.memoryUsage.rss(),
        peakResidentBytes: process.resourceUsage().maxRSS * 1024, // libuv gives kilobytes
      };
    },

    observe: (observer) => use().backend.runs.observe(observer),
  };
}

/** The engine with the default settings. */
export const onnxruntime: OnnxruntimeEngine = createOnnxruntimeEngine();

/** A worker with a backend over it, and what finds its device. */
async function startBackend(
  runtime: string,
  threads: number,
  settings: BackendSettings,
  choose: (link: WorkerLink) => Promise<string>,
) {
  const { link, connect } = await startWorker(runtime, threads);
  const backend = new OnnxruntimeBackend(link, settings);
  connect(backend);
  return { link, backend, choose: () => choose(link) };
}

/** Starts the worker and waits until the runtime is loaded. `connect` says which backend gets the reports from then on. */
async function startWorker(runtime: string, threads: number) {
  let backend: OnnxruntimeBackend | null = null;
  let started: (report: Report) => void = () => undefined;
  const start = new Promise<Report>((resolve) => (started = resolve));
  const session = {
    graphOptimizationLevel: 'disabled', // emitters write what its optimiser would make
    enableMemPattern: false,
    intraOpNumThreads: threads,
    logSeverityLevel: 4, // errors are thrown too
    // Threads that wait give their core away: no slower alone, 1.6 times as fast beside other work.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  };
  const link = new WorkerLink({
    runtime,
    session,
    onReport: (report) => (backend === null ? started(report) : backend.runs.onReport(report)),
  });
  const { error } = await link.request({ kind: 'sync' });
  const report = error === undefined ? await start : ({ kind: 'absent', message: error } as const);
  if (report.kind === 'absent') {
    await link.close();
    throw new LoranError(
      'RUNTIME_UNAVAILABLE',
      `ONNX Runtime could not be loaded from '${runtime}': ${report.message}. Install it: npm install onnxruntime-node ` +
        '(Linux x64 and arm64, Windows x64 and arm64, macOS arm64).',
    );
  }
  return { link, connect: (to: OnnxruntimeBackend) => (backend = to) };
}

/** What there is, or what a container may use of it. */
function memoryOfMachine(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

/** tfjs's backend of our name, which another engine value may have registered. */
function registered(): tf.KernelBackend | null {
  return tf.findBackend(backendName) as tf.KernelBackend | null;
}

function registerKernels(definitions: readonly KernelDefinition[]): void {
  const known = new Set(tf.getKernelsForBackend(backendName).map(({ kernelName }) => kernelName));
  for (const { kernelName, kernelFunc } of definitions) {
    if (known.has(kernelName)) continue; // from an engine opened before
    tf.registerKernel({ kernelName, backendName, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
  }
}

function checkLength(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): void {
  const expected = tf.util.sizeFromShape([...shape]) * (type === 'bfloat16' ? 2 : 1);
  if (bytes.byteLength === expected) return;
  throw new LoranError(
    'SHAPE_MISMATCH',
    `${type} codes of shape [${shape.join(', ')}] take ${expected} bytes; ${bytes.byteLength} were given.`,
  );
}
