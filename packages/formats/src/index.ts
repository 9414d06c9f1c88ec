export { dtypeBytes, type Dtype, type TensorBytes } from './tensor-bytes.js';
