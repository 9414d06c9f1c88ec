/**
 * All kernels of the engine, by family. The engine registers them when it opens.
 */
import { activationKernels } from './activations.js';
import { binaryKernels } from './binary.js';
import { comparisonKernels } from './comparison.js';
import { complexKernels } from './complex.js';
import { engineKernels } from './engine-kernels.js';
import { fillKernels } from './fill.js';
import { gatherScatterKernels } from './gather-scatter.js';
import { blockKernels } from './blocks.js';
import { convolutionKernels } from './convolution.js';
import { dilationKernels } from './dilation.js';
import { normalizationKernels } from './normalization.js';
import { poolingKernels } from './pooling.js';
import { resizeKernels } from './resize.js';
import type { KernelDefinition } from './kernel.js';
import { layoutKernels } from './layout.js';
import { matrixKernels } from './matrix.js';
import { rankingKernels } from './ranking.js';
import { reductionKernels } from './reductions.js';
import { unaryKernels } from './unary.js';

export const kernels: readonly KernelDefinition[] = [
  ...activationKernels,
  ...binaryKernels,
  ...comparisonKernels,
  ...blockKernels,
  ...convolutionKernels,
  ...dilationKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...resizeKernels,
  ...complexKernels,
  ...engineKernels,
  ...fillKernels,
  ...gatherScatterKernels,
  ...layoutKernels,
  ...matrixKernels,
  ...rankingKernels,
  ...reductionKernels,
  ...unaryKernels,
];
