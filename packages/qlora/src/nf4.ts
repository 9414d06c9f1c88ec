/**
 * NF4 base storage: the frozen weights of QLoRA (Dettmers et al. 2023, arXiv 2305.14314), byte for byte as bitsandbytes
 * quantises them on the CPU. QLoRA is `lora` over this storage; any other method runs over it as well.
 */
import type { BaseStorage, FrozenWeight, WeightSource } from '@loran/adapter';
import { ShapeMismatchError } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { nestedScales, singleScales } from './block-scales.js';
import { doubleQuantise, nestedBlockSize } from './double-quantise.js';
import { bitsandbytesConfig, nf4PartsIn } from './checkpoint.js';
import { nf4Weight } from './nf4-weight.js';
import { readNf4Parts } from './read-parts.js';
import { blockSizes, isBlockSize, writeQuantState } from './quant-state.js';
import { quantise } from './quantise.js';
import { version } from './version.js';

export interface Nf4Options {
  /** Whether the block maxima are quantised too: 4.127 bits a parameter instead of 4.5. Default true. */
  readonly doubleQuantisation?: boolean;
  /** Values that share one maximum: 32, 64, 128, 256, 512, 1024, 2048 or 4096. Default 64. */
  readonly blockSize?: number;
}

/**
 * NF4 with other options. All such storages are called 'nf4', and each restores what any of them, or bitsandbytes, wrote:
 * the options say only how new weights are quantised. Throws INVALID_BLOCK_SIZE.
 */
export function createNf4({ doubleQuantisation = true, blockSize = 64 }: Nf4Options = {}): BaseStorage {
  if (!isBlockSize(blockSize)) {
    throw new LoranError(
      'INVALID_BLOCK_SIZE',
      `The NF4 block size is ${String(blockSize)}; expected one of ${blockSizes.join(', ')}, as in bitsandbytes.`,
    );
  }

  const store = async (source: WeightSource): Promise<FrozenWeight> => {
    const { kind, rows, columns, bias, path } = source;
    if (bias !== null && bias.length !== rows) throw new ShapeMismatchError(`${path}.bias`, [rows], [bias.length]);
    const { codes, absmax } = await quantise(source, blockSize);
    const nested = doubleQuantisation ? { ...doubleQuantise(absmax), blockSize: nestedBlockSize } : undefined;
    const quantState = writeQuantState({ blockSize, rows, columns, nested });
    return nf4Weight(
      {
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
    name: 'nf4',
    package: '@loran/qlora',
    version,
    store,
    recognises: nf4PartsIn,
    checkpointConfig: bitsandbytesConfig,
    restore: (kind, parts) => {
      const values = readNf4Parts(kind, parts);
      const again = createNf4({ doubleQuantisation: parts.has('weight.nested_absmax'), blockSize: values.blockSize });
      const { rows, columns } = values;
      return nf4Weight(values, (values, bias) => again.store({ kind, path: 'weight', rows, columns, values, bias }));
    },
  };
}

/** NF4 with double quantisation in blocks of 64, as QLoRA has it. */
export const nf4: BaseStorage = createNf4();
