import { activationKernels } from './activations.js';
import { binaryKernels } from './binary.js';
import { comparisonKernels } from './comparison.js';
import type { KernelDefinition } from './kernel.js';
import { reductionKernels } from './reductions.js';
import { unaryKernels } from './unary.js';
export const kernels: readonly KernelDefinition[] = [
  ...activationKernels,
  ...binaryKernels,
  ...comparisonKernels,
  ...reductionKernels,
  ...unaryKernels,
];
