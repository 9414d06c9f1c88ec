export { after, closeEngine, currentEngine, opaque, openEngine, record } from './engine/current-engine.js';
export type { Engine, EngineMemory, EngineOptions, OpaqueType, Recorded, Recording } from './engine/engine.js';
export { portableEngine, portableMemory, widenedCodes } from './engine/portable-engine.js';
export { registerGradients } from './gradients.js';
export { linear } from './linear.js';
export { deriveKey, hashUniform, type Key } from './random/hash.js';
export { randomStream, type RandomStream } from './random/random-stream.js';
export { dropout, randomUniform } from './random/random-uniform.js';
export { variable } from './variable.js';
