/** The laws, on the plugins as a user of the package gets them. */
import '@tensorflow/tfjs-backend-cpu';
import { fp32 } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeActivation, describeAdapterMethod, describeBaseStorage } from '@loran/testing';
import { hadamard, int16, softsign } from 'loran-third-party-example';
import { beforeAll } from 'vitest';

beforeAll(() => openEngine(portableEngine('cpu')));

describeActivation(softsign);

describeBaseStorage(int16, {
  tolerance: { absolute: 6e-5 }, // half of 2⁻¹³, the step of rows whose largest value is below 4
  bytes: (rows, columns) => 2 * rows * columns + rows,
});

describeAdapterMethod(hadamard, {
  configs: { plain: { rank: 2, alpha: 4 } },
  parameterCount: ({ rank }, { rows, columns }) => 2 * rank * (rows + columns),
  bases: [fp32, int16],
});
