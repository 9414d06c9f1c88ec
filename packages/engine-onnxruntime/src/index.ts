export type { RunObserver, RunRecord } from './backend/run-record.js';
export {
  createOnnxruntimeEngine,
  onnxruntime,
  type OnnxruntimeEngine,
  type OnnxruntimeEngineOptions,
} from './engine.js';
export { flopsOf, type Product } from './graph/products.js';
