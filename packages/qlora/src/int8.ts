/**
 * Int8 base storage: 8 bits a parameter with one scale for each output feature, multiplied with inputs that are quantised row by
 * row on the way. Forward product and the gradient of the input are products of integers: several times as fast as fp32 where
 * the processor has VNNI instructions, and never a dequantised weight in memory.
 *
 *   W[o, i] ≈ code[o, i] · scale[o]            scale[o] = max |W[o]| / 127, code = round(W / scale)
 *
 * The row-wise and column-wise scheme of LLM.int8 (Dettmers et al. 2022, arXiv 2208.07339) without its outlier columns, and of
 * SwitchBack (Wortsman et al. 2023, arXiv 2304.13013) with its gradient.
 */
import { type BaseStorage, type FrozenWeight, ShapeMismatchError, type WeightSource } from '@loran/adapter';
import type { TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { int8Weight } from './int8-weight.js';
import { version } from './version.js';

export const int8: BaseStorage = {
  kind: 'base-storage',
  name: 'int8',
  package: '@loran/qlora',
  version,
  store,
  restore: (kind, parts) => {
    const weight = part(parts, 'weight', 'I8');
    const [rows = 0, columns = 0] = weight.shape;
    if (weight.shape.length !== 2 || weight.data.length !== rows * columns || weight.data.length === 0) {
      throw invalid('weight', weight, 'I8 [rows, columns]');
    }
    const scales = floats(parts, 'weight.scale', rows);
    const wrong = scales.find((scale) => !(scale >= 0 && scale < Infinity));
    if (wrong !== undefined)
      throw new LoranError('PART_INVALID', `The part 'weight.scale' holds ${wrong}. The checkpoint is damaged.`);
    const bias = parts.has('bias') ? floats(parts, 'bias', rows) : null;
    const codes = new Int8Array(weight.data.slice().buffer);
    return int8Weight({ kind, rows, columns, codes, scales, bias }, (values, own) =>
      store({ kind, path: 'weight', rows, columns, values, bias: own }),
    );
  },
};

/** Throws SHAPE_MISMATCH, WEIGHT_NOT_FINITE. */
async function store(source: WeightSource): Promise<FrozenWeight> {
  const { kind, path, rows, columns, bias } = source;
  if (bias !== null && bias.length !== rows) throw new ShapeMismatchError(`${path}.bias`, [rows], [bias.length]);
  const codes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  const row = new Float32Array(columns); // the only values held: a run may end inside a row
  let offered = 0;
  let seen = 0;
  for await (const run of source.values()) {
    offered += run.length;
    for (let start = 0; start < run.length && seen < codes.length;) {
      const filled = seen % columns;
      const taken = Math.min(columns - filled, run.length - start, codes.length - seen);
      row.set(run.subarray(start, start + taken), filled);
      start += taken;
      seen += taken;
      if (filled + taken < columns) continue;
      const index = seen / columns - 1;
      scales[index] = quantiseRow(row, codes.subarray(index * columns, seen), path, index);
    }
  }
  if (offered !== codes.length) throw new ShapeMismatchError(path, [rows, columns], [offered]);
  return int8Weight({ kind, rows, columns, codes, scales, bias }, (values, own) =>
    store({ kind, path: 'weight', rows, columns, values, bias: own }),
  );
}

/** Writes the codes of a row, and returns its scale. */
function quantiseRow(row: Float32Array, codes: Int8Array, path: string, index: number): number {
  let largest = 0;
  for (const [column, value] of row.entries()) {
    const magnitude = Math.abs(value);
    if (!(magnitude < Infinity)) {
      throw new LoranError(
        'WEIGHT_NOT_FINITE',
        `The weight of '${path}' holds ${value} at row ${index}, column ${column}. Repair the model, or keep this weight in fp32.`,
      );
    }
    if (magnitude > largest) largest = magnitude;
  }
  const scale = roundedUp(largest / 127);
  if (scale === 0) return 0;
  for (let i = 0; i < row.length; i++) codes[i] = roundHalfEven(row[i]! / scale);
  return scale;
}

/** To 16 significant bits: 127 times such a scale is exact in fp32, so that a stored weight is stored again without loss. */
function roundedUp(scale: number): number {
  const bits = new Uint32Array(Float32Array.of(scale).buffer)[0]!;
  const fp32 = Math.fround(scale);
  const up = fp32 < scale || (bits & 0xff) !== 0 ? (bits & ~0xff) + 0x100 : bits;
  return new Float32Array(Uint32Array.of(up >>> 0).buffer)[0]!;
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function floats(parts: ReadonlyMap<string, TensorBytes>, name: string, length: number): Float32Array {
  const found = part(parts, name, 'F32');
  if (found.data.length !== 4 * length) throw invalid(name, found, `F32 [${length}]`);
  return new Float32Array(found.data.slice().buffer);
}

function part(parts: ReadonlyMap<string, TensorBytes>, name: string, dtype: 'I8' | 'F32'): TensorBytes {
  const found = parts.get(name);
  if (found === undefined) {
    throw new LoranError(
      'PART_MISSING',
      `A weight in int8 needs the part '${name}'; there are ${[...parts.keys()].join(', ') || 'none'}.`,
    );
  }
  if (found.dtype !== dtype) throw invalid(name, found, dtype);
  return found;
}

function invalid(name: string, { dtype, shape }: TensorBytes, expected: string): LoranError {
  return new LoranError(
    'PART_INVALID',
    `The part '${name}' is ${dtype} [${shape.join(', ')}]; expected ${expected}. The checkpoint is damaged.`,
  );
}
