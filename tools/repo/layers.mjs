/**
 * The arrows: which package may import which. One table for ESLint's boundary rule, for the repo test that compares it with every
 * package.json, and for the picture in the README. A layer is named after its package folder; `plugin` is a leaf that all may use.
 */

const contract = ['adapter', 'tensor', 'formats', 'plugin'];

const libraries = {
  plugin: [],
  formats: ['plugin'],
  tensor: ['plugin'],
  adapter: ['tensor', 'formats', 'plugin'],
  activations: ['tensor', 'plugin'],
  lora: ['adapter', 'tensor', 'plugin'],
  loran: ['adapter', 'activations', 'tensor', 'plugin'],
  vera: ['adapter', 'tensor', 'plugin'],
  ia3: ['adapter', 'tensor', 'plugin'],
  hira: ['adapter', 'tensor', 'plugin'],
  peanut: ['adapter', 'activations', 'tensor', 'plugin'],
  qlora: contract,
  analysis: contract,
  hub: ['plugin'],
  datasets: ['hub', 'plugin'],
  evaluators: ['plugin'],
  models: ['hub', ...contract],
  'engine-onnxruntime': ['tensor', 'formats', 'plugin'],
  'engine-tensorflow': ['tensor', 'plugin'],
  trainer: ['models', 'datasets', 'evaluators', ...contract],
  experiments: ['trainer', 'models', 'datasets', 'evaluators', 'hub', 'engine-onnxruntime', 'analysis', ...contract],
};
const all = Object.keys(libraries);

/** What the shipped code of a layer may import. */
export const layers = {
  ...libraries,
  cli: all,
  testing: contract,
  examples: [...all, 'cli'],
  tools: [...all, 'cli', 'testing'],
};

/** What tests and fixtures may import besides: the laws, wherever `testing` does not stand on the layer itself, and sample plugins. */
export const testLayers = {
  ...Object.fromEntries(all.filter((layer) => !contract.includes(layer)).map((layer) => [layer, ['testing']])),
  loran: ['testing', 'lora'],
  qlora: ['testing', 'lora'],
  analysis: ['testing', 'activations', 'lora', 'loran'],
  models: ['testing', 'lora', 'qlora', 'engine-onnxruntime'],
  'engine-tensorflow': ['testing', 'adapter', 'activations', 'lora', 'loran', 'qlora', 'engine-onnxruntime'],
  trainer: ['testing', 'lora', 'engine-onnxruntime'],
  experiments: ['testing', 'activations', 'lora', 'loran', 'qlora'],
  cli: ['testing'],
  examples: ['testing'],
};

/** External packages that few may import: pattern -> the layers that may. */
export const externals = {
  inversify: ['experiments', 'examples'],
  '@inversifyjs/*': ['experiments'],
  'reflect-metadata': ['experiments'],
  '@tensorflow/tfjs-node': ['engine-tensorflow'],
  '@tensorflow/tfjs-node-gpu': ['engine-tensorflow'],
  'onnxruntime-*': ['engine-onnxruntime'],
};

/** The same for tests, which may import more: what runs the files that a package writes. */
export const testExternals = { ...externals, 'onnxruntime-*': ['engine-onnxruntime', 'models', 'experiments'] };
