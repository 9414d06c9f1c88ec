/**
 * All kernels of the engine, by family. The engine registers them when it opens.
 */
import { activationKernels } from './activations.js';
import { binaryKernels } from './binary.js';
import { blockKernels } from './blocks.js';
import { comparisonKernels } from './comparison.js';
import { complexKernels } from './complex.js';
import { convolutionKernels } from './convolution.js';
import { countingKernels } from './counting.js';
import { dilationKernels } from './dilation.js';
import { engineKernels } from './engine-kernels.js';
import { fillKernels } from './fill.js';
import { gatherKernels } from './gather.js';
import { imageKernels } from './image.js';
import { int8Kernels } from './int8-product.js';
import type { KernelDefinition } from './kernel.js';
import { layoutKernels } from './layout.js';
import { matrixKernels } from './matrix.js';
import { multinomialKernels } from './multinomial.js';
import { normalizationKernels } from './normalization.js';
import { poolingKernels } from './pooling.js';
import { rankingKernels } from './ranking.js';
import { readBackKernels } from './read-back.js';
import { reductionKernels } from './reductions.js';
import { resizeKernels } from './resize.js';
import { scatterKernels } from './scatter.js';
import { sparseKernels } from './sparse.js';
import { comparingStrings, movingStrings, stringKernels } from './strings.js';
import { transformKernels } from './transform.js';
import { unaryKernels } from './unary.js';

const families: readonly KernelDefinition[] = [
  ...activationKernels,
  ...binaryKernels,
  ...blockKernels,
  ...comparisonKernels,
  ...complexKernels,
  ...convolutionKernels,
  ...countingKernels,
  ...dilationKernels,
  ...engineKernels,
  ...fillKernels,
  ...gatherKernels,
  ...imageKernels,
  ...int8Kernels,
  ...layoutKernels,
  ...matrixKernels,
  ...multinomialKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...rankingKernels,
  ...readBackKernels,
  ...reductionKernels,
  ...resizeKernels,
  ...scatterKernels,
  ...sparseKernels,
  ...transformKernels,
  ...unaryKernels,
  ...stringKernels,
];

/** Kernels that put elements of their inputs elsewhere, and so can do it to strings. */
const moving = new Set(
  (
    'Concat GatherNd GatherV2 Pack Reverse Select Slice SparseToDense SplitV StridedSlice TensorScatterUpdate Tile ' +
    'Transpose Unpack'
  ).split(' '),
);
const comparing = new Set(['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual']);

export const kernels: readonly KernelDefinition[] = families.map((definition) => {
  if (moving.has(definition.kernelName)) return movingStrings(definition);
  return comparing.has(definition.kernelName) ? comparingStrings(definition) : definition;
});
