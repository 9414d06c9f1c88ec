/** The activations that this package ships. */
import type { Activation } from './define-activation.js';
import { cosine } from './cosine.js';
import { gaussian } from './gaussian.js';
import { gelu } from './gelu.js';
import { identity } from './identity.js';
import { relu } from './relu.js';
import { sigmoid } from './sigmoid.js';
import { silu } from './silu.js';
import { sine } from './sine.js';
import { sinter, sinterClassDefaults } from './sinter.js';
import { swish, swish25 } from './swish.js';
import { tanh } from './tanh.js';

/** All shipped activations and named presets, for a registry: `createActivationRegistry(standardActivations)`. */
export const standardActivations: readonly Activation[] = [
  sinter,
  sinterClassDefaults,
  sine,
  sigmoid,
  tanh,
  relu,
  silu,
  swish,
  swish25,
  gelu,
  cosine,
  gaussian,
  identity,
];
