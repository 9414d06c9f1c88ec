/** The storages of @loran/adapter, whose own tests cannot use this package. */
import '@tensorflow/tfjs-backend-cpu';
import { bf16, fp32 } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll } from 'vitest';
import { describeBaseStorage } from './describe-base-storage.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describeBaseStorage(fp32, { bytes: (rows, columns) => 4 * rows * columns });
describeBaseStorage(bf16, {
  tolerance: { absolute: 0, relative: 2 ** -8 }, // half of the last of 8 significant bits
  bytes: (rows, columns) => 2 * rows * columns,
});
