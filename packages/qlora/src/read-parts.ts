/**
 * The parts of a 4-bit weight as bitsandbytes writes them (QuantState.as_dict(packed=True)), checked before use.
 *
 *   weight                                   two codes a byte, [count / 2, 1] of uint8, or the same bytes under another type
 *   weight.absmax                            F32 [blocks], or U8 [blocks] under double quantisation
 *   weight.quant_map                         F32 [16]
 *   weight.nested_absmax                     F32 [blocks / 256]   double quantisation only, as the next
 *   weight.nested_quant_map                  F32 [256]
 *   weight.quant_state.bitsandbytes__nf4     JSON, or …__fp4
 *   bias                                     F32 [rows], optional
 */
import type { FrozenWeight } from '@loran/adapter';
import type { Dtype, TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { nestedScales, singleScales } from './block-scales.js';
import type { FourBitType } from './four-bit-type.js';
import { quantStateKey, readQuantState } from './quant-state.js';
import type { FourBitValues } from './four-bit-weight.js';

type Parts = ReadonlyMap<string, TensorBytes>;

interface PartsOf {
  readonly type: FourBitType;
  readonly all: Parts;
}

/** Throws PART_MISSING, PART_INVALID. */
export function readFourBitParts(type: FourBitType, kind: FrozenWeight['kind'], all: Parts): FourBitValues {
  const parts: PartsOf = { type, all };
  const quantState = part(parts, quantStateKey(type.name));
  const { blockSize, rows, columns, nested } = readQuantState(type.name, quantState);
  const count = rows * columns;
  const blocks = Math.ceil(count / blockSize);
  const packed = part(parts, 'weight').data; // of any type: bitsandbytes' quant_storage only renames the bytes
  if (packed.length !== Math.ceil(count / 2)) {
    throw invalid('weight', `${packed.length} bytes`, `${Math.ceil(count / 2)} bytes for [${rows}, ${columns}]`);
  }
  const codes = new Uint8Array((blocks * blockSize) / 2).fill((type.zeroCode << 4) | type.zeroCode);
  codes.set(packed);

  const shape = { type, kind, rows, columns, blockSize, codes, quantState };
  const quantMap = checkedCodebook(type, floats(parts, 'weight.quant_map', type.codebook.length));
  const bias = all.has('bias') ? floats(parts, 'bias', rows) : null;
  if (nested === undefined) {
    const absmax = floats(parts, 'weight.absmax', blocks);
    return { ...shape, quantMap, bias, scales: () => singleScales(absmax) };
  }
  const held = {
    ...nested,
    codes: bytes(parts, 'weight.absmax', blocks).slice(),
    absmax: floats(parts, 'weight.nested_absmax', Math.ceil(blocks / nested.blockSize)),
    map: floats(parts, 'weight.nested_quant_map', 256),
  };
  return { ...shape, quantMap, bias, scales: (tables) => nestedScales(held, tables) };
}

/** bitsandbytes ignores this map and uses the codebook; one that says otherwise belongs to other codes. */
function checkedCodebook({ name, codebook }: FourBitType, map: Float32Array): Float32Array {
  const off = map.findIndex((value, code) => !(Math.abs(value - codebook[code]!) < 1e-6));
  if (off === -1) return map;
  throw invalid('weight.quant_map', `${map[off]} at index ${off}`, `the codebook of ${name}, ${codebook[off]} there`);
}

function floats(parts: PartsOf, name: string, length: number): Float32Array {
  const values = new Float32Array(bytes(parts, name, length, 'F32').slice().buffer);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) throw invalid(name, `${values[bad]} at index ${bad}`, 'finite numbers');
  return values;
}

function bytes(parts: PartsOf, name: string, length: number, dtype: Dtype = 'U8'): Uint8Array {
  const { dtype: found, shape, data } = part(parts, name);
  const size = dtype === 'F32' ? 4 : 1;
  if (found !== dtype || data.length !== length * size) {
    throw invalid(name, `${found} [${shape.join(', ')}]`, `${dtype} of ${length} values`);
  }
  return data;
}

function part({ type, all }: PartsOf, name: string): TensorBytes {
  const found = all.get(name);
  if (found !== undefined) return found;
  throw new LoranError(
    'PART_MISSING',
    `A weight in ${type.name} needs the part '${name}'; there are ${[...all.keys()].join(', ') || 'none'}.`,
  );
}

function invalid(name: string, found: string, expected: string): LoranError {
  return new LoranError(
    'PART_INVALID',
    `The part '${name}' is ${found}; expected ${expected}. The checkpoint is damaged.`,
  );
}
