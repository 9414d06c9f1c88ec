/**
 * Loading tfjs-node into this process. It registers itself as tfjs's backend 'tensorflow' on the engine that all copies of
 * tfjs-core share, whichever copy it brings along. It stays: an addon is never unloaded, and loading the other package beside
 * it would bring a second TensorFlow into the process.
 */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import type { InstalledPackage } from './find-package.js';
import type { NodeBackend } from './node-backend.js';
import { restoreRemovedUtil } from './removed-util.js';

const backendName = 'tensorflow';

/** The backend, if one of the two packages is in this process already. */
export function loadedBackend(): NodeBackend | undefined {
  return (tf.findBackend(backendName) as unknown as NodeBackend | null) ?? undefined;
}

export interface LoadOptions {
  /** Threads of one operator; TensorFlow's own choice when undefined. */
  readonly threads: number | undefined;
  /** Keeps TensorFlow from using a GPU that is there. */
  readonly hideGpu: boolean;
}

/** Loads the package. TensorFlow reads its settings from the environment, once. Throws PACKAGE_BROKEN. */
export function loadPackage(
  { name, version, folder }: InstalledPackage,
  { threads, hideGpu }: LoadOptions,
): NodeBackend {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2'; // errors and warnings' louder half: not what CPU features it was built for
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  if (hideGpu) process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  restoreRemovedUtil();
  try {
    quietly(() => createRequire(path.join(folder, 'package.json'))(folder) as unknown);
  } catch (cause) {
    throw new LoranError(
      'PACKAGE_BROKEN',
      `${name} ${version} in ${folder} could not be loaded: ${(cause as Error).message}. ` +
        `Build it anew for this Node (${process.version}): npm rebuild ${name} --ignore-scripts=false.`,
      { cause },
    );
  }
  const backend = loadedBackend();
  if (backend !== undefined) return backend;
  throw new LoranError(
    'PACKAGE_BROKEN',
    `${name} ${version} was loaded, but tfjs-core ${tf.version_core} knows no backend of its. Are they of one major version?`,
  );
}

/** tfjs warns of every kernel of its CPU backend that a second copy registers again; nothing is wrong with that. */
function quietly(load: () => unknown): void {
  const production = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    load();
  } finally {
    tf.env().set('PROD', production);
  }
}
