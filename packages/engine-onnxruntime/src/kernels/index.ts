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
import { imageKernels } from './image.js';
import { multinomialKernels } from './multinomial.js';
import { readBackKernels } from './read-back.js';
import { sparseKernels } from './sparse.js';
import { transformKernels } from './transform.js';
import { comparingStrings, movingStrings, stringKernels } from './strings.js';
import type { KernelDefinition } from './kernel.js';
import { layoutKernels } from './layout.js';
import { matrixKernels } from './matrix.js';
import { rankingKernels } from './ranking.js';
import { reductionKernels } from './reductions.js';
import { unaryKernels } from './unary.js';

const families: readonly KernelDefinition[] = [
  ...stringKernels,
  ...activationKernels,
  ...binaryKernels,
  ...comparisonKernels,
  ...blockKernels,
  ...convolutionKernels,
  ...dilationKernels,
  ...normalizationKernels,
  ...poolingKernels,
  ...resizeKernels,
  ...imageKernels,
  ...multinomialKernels,
  ...readBackKernels,
  ...sparseKernels,
  ...transformKernels,
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

/** Kernels that put elements of their inputs elsewhere, and so can do it to strings. */
const moving = [
  ...[
    'Concat',
    'GatherNd',
    'GatherV2',
    'Pack',
    'Reverse',
    'Select',
    'Slice',
    'SparseToDense',
    'SplitV',
    'StridedSlice',
  ],
  ...['TensorScatterUpdate', 'Tile', 'Transpose', 'Unpack'],
];
const comparing = ['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual'];

export const kernels: readonly KernelDefinition[] = families.map((definition) => {
  if (moving.includes(definition.kernelName)) return movingStrings(definition);
  return comparing.includes(definition.kernelName) ? comparingStrings(definition) : definition;
});
