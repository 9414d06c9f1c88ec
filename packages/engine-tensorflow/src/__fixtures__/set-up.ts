/** The folder in which tools/setup-tensorflow made tfjs-node work, and whether it did. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Value for `createTensorflowEngine({ modules })`. */
export const modules =
  process.env.LORAN_TENSORFLOW_HOME ??
  fileURLToPath(new URL('../../../../.cache/tensorflow', import.meta.url));

/** Why tests on TensorFlow cannot run; undefined where they can, and where they must (LORAN_REQUIRE_TENSORFLOW=1). */
export const absent =
  existsSync(path.join(modules, 'ready')) || process.env.LORAN_REQUIRE_TENSORFLOW === '1'
    ? undefined
    : 'TensorFlow is not set up: bash tools/setup-tensorflow/setup.sh does it (Linux x64, Python 3 with pip, a C++ compiler)';
