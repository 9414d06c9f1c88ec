/** What a run stands on: the machine, and the versions of what computes. */
import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '@loran/tensor';
import { version } from '../version.js';
import type { RunRecord } from './run-record.js';

export function machine(): RunRecord['machine'] {
  const { name: engine, device } = currentEngine();
  return {
    system: `${os.type()} ${os.release()}`,
    architecture: os.arch(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    engine,
    device,
  };
}

/** Versions of Node, tfjs-core, this package, the engine's, and those given. */
export function versions(others: Readonly<Record<string, string>> = {}): RunRecord['versions'] {
  const engine = currentEngine();
  return {
    node: process.versions.node,
    '@tensorflow/tfjs-core': tf.version_core,
    '@loran/trainer': version,
    ...(engine.package === null ? {} : { [engine.package]: engine.version ?? 'unknown' }),
    ...others,
  };
}
