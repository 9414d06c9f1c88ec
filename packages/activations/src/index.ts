export {
  parseActivationSpec,
  resolveActivation,
  type ActivationSpec,
  type NamedActivationSpec,
  type ResolvedActivation,
} from './activation-spec.js';
export { cosine } from './cosine.js';
export { defineActivation, isActivation, type Activation, type ActivationDefinition } from './define-activation.js';
export { gaussian } from './gaussian.js';
export { gelu } from './gelu.js';
export { identity } from './identity.js';
export type { ActivationInstance } from './instance.js';
export type { ActivationParameter, ParameterOptions, ParameterOverride, ParameterOverrides } from './parameter.js';
export { createActivationRegistry } from './registry.js';
export { relu } from './relu.js';
export { sigmoid } from './sigmoid.js';
export { silu } from './silu.js';
export { sine } from './sine.js';
export { sinter, sinterClassDefaults } from './sinter.js';
export { standardActivations } from './standard.js';
export { swish, swish25 } from './swish.js';
export { tanh } from './tanh.js';
