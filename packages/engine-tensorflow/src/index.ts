export { createTensorflowEngine, tensorflow, type TensorflowEngineOptions } from './tensorflow.js';
