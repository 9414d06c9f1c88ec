// @ts-check
/**
 * The worker of the engine: it holds the ONNX runtime, its sessions and every value that a graph reads or makes.
 *
 * It is plain JavaScript beside `src` and `dist`, so that the same file serves both and no compiler touches it.
 * `src/worker/protocol.ts` says what the messages mean.
 *
 * @typedef {import('../src/worker/protocol.js').Command} Command
 * @typedef {import('../src/worker/protocol.js').Recovery} Recovery
 * @typedef {import('../src/worker/protocol.js').Report} Report
 * @typedef {import('../src/worker/protocol.js').Model} Model
 * @typedef {import('../src/worker/protocol.js').WireType} WireType
 * @typedef {import('onnxruntime-common').Tensor} Tensor
 * @typedef {import('onnxruntime-common').InferenceSession} InferenceSession
 * @typedef {{ session: InferenceSession, model: Model } | { failure: string }} Compiled
 */
import { workerData } from 'node:worker_threads';
import { fail, unpack, values, views } from './values.mjs';

/** @type {import('../src/worker/protocol.js').WorkerSettings} */
const { runtime, port, signal, session: sessionOptions } = workerData;

/** @type {Map<number, Compiled>} */
const sessions = new Map();
/** @type {Command[]} */
const queue = [];
let working = false;
/** @type {((recovery: Recovery) => void) | null} */
let onRecovery = null;
/** @type {string} */
let device = 'cpu';

/** @param {Report} message */
function report(message) {
  port.postMessage(message);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
}

process.on('uncaughtException', (error) => report({ kind: 'crashed', message: text(error) }));

/** @type {typeof import('onnxruntime-common') | null} */
let ort = null;
try {
  const module = await import(runtime);
  ort = /** @type {typeof import('onnxruntime-common')} */ (module.default ?? module);
  ort.env.logLevel = 'fatal'; // errors are thrown too, and told where they belong
  report({ kind: 'ready' });
} catch (error) {
  report({ kind: 'absent', message: text(error) });
}

port.on('message', (/** @type {Command[] | Recovery} */ message) => {
  if (!Array.isArray(message)) {
    const continueWith = onRecovery;
    onRecovery = null;
    continueWith?.(message);
    return;
  }
  queue.push(...message);
  if (!working) void work();
});

async function work() {
  working = true;
  for (let next = 0; next < queue.length; next++) {
    const command = queue[next];
    if (command !== undefined) await obey(command);
    if (next === queue.length - 1 || next === 1023) {
      queue.splice(0, next + 1);
      next = -1;
    }
  }
  working = false;
}

/** @param {Command} command */
async function obey(command) {
  switch (command.kind) {
    case 'hold': {
      const { id, type, buffer } = command;
      values.set(id, { type, data: new views[type](buffer), tensor: null });
      return;
    }
    case 'pack':
      return unpack(command.buffer, command.table);
    case 'compile':
      return compile(command.session, command.model);
    case 'run':
      return run(command);
    case 'free':
      for (const id of command.ids) values.delete(id);
      return;
    case 'release': {
      const compiled = sessions.get(command.session);
      sessions.delete(command.session);
      if (compiled !== undefined && 'session' in compiled) await compiled.session.release();
      return;
    }
    case 'fail':
      return fail(command.failures);
    case 'read': {
      const held = values.get(command.id);
      if (held === undefined)
        report({ kind: 'reply', request: command.request, error: 'The value is not there any more.' });
      else if ('failure' in held) report({ kind: 'reply', request: command.request, error: held.failure });
      else report({ kind: 'reply', request: command.request, result: held.data });
      return;
    }
    case 'sync':
      return report({ kind: 'reply', request: command.request });
    case 'probe': {
      device = command.device;
      try {
        const session = await create(command.model);
        await session.run(feeds(command.model, new Float64Array()));
        await session.release();
        report({ kind: 'reply', request: command.request, result: null });
      } catch (error) {
        report({ kind: 'reply', request: command.request, result: text(error) });
      }
      return;
    }
    case 'close':
      for (const compiled of sessions.values()) if ('session' in compiled) await compiled.session.release();
      sessions.clear();
      values.clear();
      port.close();
  }
}

/** @param {Model} model */
function create(model) {
  if (ort === null) throw new Error('The runtime was not loaded.');
  return ort.InferenceSession.create(model.bytes, { ...sessionOptions, executionProviders: [device] });
}

/**
 * @param {number} id
 * @param {Model} model
 */
async function compile(id, model) {
  const start = performance.now();
  try {
    const session = await create(model);
    sessions.set(id, { session, model: { ...model, bytes: new Uint8Array() } });
  } catch (error) {
    sessions.set(id, { failure: text(error) });
  }
  report({ kind: 'compiled', session: id, milliseconds: performance.now() - start });
}

/** @param {Extract<Command, { kind: 'run' }>} command */
async function run({ run, session: sessionId, inputs, outputs }) {
  const compiled = sessions.get(sessionId);
  const failedInputs = [];
  for (const [position, id] of inputs.entries()) {
    const held = values.get(id);
    if (held !== undefined && 'failure' in held) failedInputs.push({ position, message: held.failure });
  }
  let message = failedInputs[0]?.message ?? null;
  if (message === null) {
    const start = performance.now();
    try {
      if (compiled === undefined) throw new Error('The compiled graph is not there any more.');
      if ('failure' in compiled) throw new Error(compiled.failure);
      await compute(compiled.session, compiled.model, inputs, outputs);
      return report({ kind: 'ran', run, milliseconds: performance.now() - start });
    } catch (error) {
      message = text(error);
    }
  }
  report({ kind: 'failed', run, message, inputs: failedInputs });
  for (;;) {
    const recovery = await /** @type {Promise<Recovery>} */ (new Promise((resolve) => (onRecovery = resolve)));
    if (recovery.kind === 'resume') return fail(recovery.failures);
    report({ kind: 'attempted', message: await attempt(recovery) });
  }
}

/**
 * @param {Extract<Recovery, { kind: 'attempt' }>} recovery
 * @returns {Promise<string | null>} why it failed
 */
async function attempt({ model, inputs, outputs }) {
  try {
    const session = await create(model);
    try {
      await compute(session, model, inputs, outputs);
    } finally {
      await session.release();
    }
    return null;
  } catch (error) {
    return text(error);
  }
}

/**
 * @param {InferenceSession} session
 * @param {Model} model
 * @param {Float64Array} inputs
 * @param {Float64Array} outputs
 */
async function compute(session, model, inputs, outputs) {
  const results = await session.run(feeds(model, inputs));
  model.outputs.forEach((name, i) => {
    const tensor = results[name];
    if (tensor === undefined) throw new Error(`The graph gave no output ${name}.`);
    values.set(outputs[i] ?? 0, { type: /** @type {WireType} */ (tensor.type), data: tensor.data, tensor });
  });
}

/**
 * @param {Model} model
 * @param {Float64Array} ids
 */
function feeds(model, ids) {
  if (ort === null) throw new Error('The runtime was not loaded.');
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [i, { name, type, shape }] of model.inputs.entries()) {
    const held = values.get(ids[i] ?? 0);
    if (held === undefined) throw new Error(`The value of input ${name} is not there any more.`);
    if ('failure' in held) throw new Error(held.failure);
    if (held.tensor === null || !sameShape(held.tensor.dims, shape)) {
      // The same values may be read in several shapes; a tensor is a cheap view.
      held.tensor = /** @type {Tensor} */ (new ort.Tensor(type, /** @type {any} */ (held.data), shape));
    }
    tensors[name] = held.tensor;
  }
  return tensors;
}

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
function sameShape(a, b) {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** @param {unknown} error */
function text(error) {
  return error instanceof Error ? error.message : String(error);
}
