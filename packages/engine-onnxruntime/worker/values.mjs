// @ts-check
/**
 * The values of the worker by number: what the graphs read and make. One that could not be made holds the reason instead.
 *
 * @typedef {import('../src/worker/protocol.js').WireType} WireType
 * @typedef {import('onnxruntime-common').Tensor} Tensor
 * @typedef {{ type: WireType, data: Tensor['data'], tensor: Tensor | null } | { failure: string }} Held
 */

/** @type {Map<number, Held>} */
export const values = new Map();

export const views = /** @type {const} */ ({
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
});
const packTypes = /** @type {const} */ (['float32', 'int32', 'bool', 'uint8', 'int8', 'uint16']);

/**
 * Takes in small values that came packed in one buffer, with a table of number, type, offset and length for each.
 *
 * @param {ArrayBuffer} buffer
 * @param {Float64Array} table
 */
export function unpack(buffer, table) {
  for (let i = 0; i < table.length; i += 4) {
    const [id = 0, code = 0, offset = 0, length = 0] = table.subarray(i, i + 4);
    const type = packTypes[code] ?? 'float32';
    // A copy, so that one small value that lives long does not keep the whole pack.
    values.set(id, { type, data: new views[type](buffer, offset, length).slice(), tensor: null });
  }
}

/** @param {readonly import('../src/worker/protocol.js').Failure[]} failures */
export function fail(failures) {
  for (const { id, message } of failures) values.set(id, { failure: message });
}
