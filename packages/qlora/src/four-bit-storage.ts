/**
 * Base storage in blocks of 4-bit codes with a maximum for each block: what NF4 and FP4 have in common.
 *
 *   W[i] ≈ codebook[code[i]] · absmax[i / blockSize]         flat, row-major
 */
import { type BaseStorage, type FrozenWeight, ShapeMismatchError, type WeightSource } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { nestedScales, singleScales } from './block-scales.js';
import { bitsandbytesConfig, fourBitPartsIn } from './checkpoint.js';
import { doubleQuantise, nestedBlockSize } from './double-quantise.js';
import type { FourBitType } from './four-bit-type.js';
import { fourBitWeight } from './four-bit-weight.js';
import { blockSizes, isBlockSize, writeQuantState } from './quant-state.js';
import { quantise } from './quantise.js';
import { readFourBitParts } from './read-parts.js';
import { version } from './version.js';

export interface FourBitOptions {
  /** Whether the block maxima are quantised too: 4.127 bits a parameter instead of 4.5. Default true. */
  readonly doubleQuantisation?: boolean;
  /** Values that share one maximum: 32, 64, 128, 256, 512, 1024, 2048 or 4096. Default 64. */
  readonly blockSize?: number;
}

/** Storages of one type have its name, whatever the options, and each restores what any of them wrote. Throws INVALID_BLOCK_SIZE. */
export function fourBitStorage(
  type: FourBitType,
  { doubleQuantisation = true, blockSize = 64 }: FourBitOptions,
): BaseStorage {
  if (!isBlockSize(blockSize)) {
    throw new LoranError(
      'INVALID_BLOCK_SIZE',
      `The block size of ${type.name} is ${String(blockSize)}; expected one of ${blockSizes.join(', ')}, as in bitsandbytes.`,
    );
  }

  const store = async (source: WeightSource): Promise<FrozenWeight> => {
    const { kind, rows, columns, bias, path } = source;
    if (bias !== null && bias.length !== rows) throw new ShapeMismatchError(`${path}.bias`, [rows], [bias.length]);
    const { codes, absmax } = await quantise(type, source, blockSize);
    const nested = doubleQuantisation ? { ...doubleQuantise(absmax), blockSize: nestedBlockSize } : undefined;
    const quantState = writeQuantState({ type: type.name, blockSize, rows, columns, nested });
    return fourBitWeight(
      {
        type,
        kind,
        rows,
        columns,
        blockSize,
        codes,
        bias,
        quantState,
        scales: (tables) => (nested === undefined ? singleScales(absmax) : nestedScales(nested, tables)),
      },
      (values, bias) => store({ kind, path, rows, columns, values, bias }),
    );
  };

  return {
    kind: 'base-storage',
    name: type.name,
    package: '@loran/qlora',
    version,
    store,
    withOptions: (options) => fourBitStorage(type, fourBitOptions(type.name, options)),
    recognises: (names, path) => fourBitPartsIn(type.name, names, path),
    checkpointConfig: (parts, unpacked) => bitsandbytesConfig(type.name, parts, unpacked),
    restore: (kind, parts) => {
      const values = readFourBitParts(type, kind, parts);
      const { rows, columns, blockSize } = values;
      const again = fourBitStorage(type, { doubleQuantisation: parts.has('weight.nested_absmax'), blockSize });
      return fourBitWeight(values, (values, bias) =>
        again.store({ kind, path: 'weight', rows, columns, values, bias }),
      );
    },
  };
}

/** Throws INVALID_STORAGE_OPTIONS, which names the option. */
function fourBitOptions(name: string, options: Readonly<Record<string, unknown>>): FourBitOptions {
  const { blockSize, doubleQuantisation, ...others } = options;
  const [unknown] = Object.keys(others);
  const wrong =
    unknown !== undefined
      ? `has no option '${unknown}'`
      : doubleQuantisation !== undefined && typeof doubleQuantisation !== 'boolean'
        ? `has 'doubleQuantisation' ${JSON.stringify(doubleQuantisation)}; expected true or false`
        : undefined;
  if (wrong !== undefined) {
    throw new LoranError(
      'INVALID_STORAGE_OPTIONS',
      `The base storage '${name}' ${wrong}. Its options are blockSize and doubleQuantisation.`,
    );
  }
  return {
    ...(blockSize === undefined ? {} : { blockSize: blockSize as number }), // fourBitStorage says which there are
    ...(doubleQuantisation === undefined ? {} : { doubleQuantisation: doubleQuantisation as boolean }),
  };
}
