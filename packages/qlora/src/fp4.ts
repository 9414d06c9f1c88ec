/**
 * FP4 base storage: 4-bit floating-point numbers with a maximum for each block, byte for byte as bitsandbytes quantises them on
 * the CPU. It is what transformers makes of `load_in_4bit` unless told 'nf4'; NF4 loses less of weights that are about normal.
 */
import type { BaseStorage } from '@loran/adapter';
import { fp4Type } from './codebook.js';
import { type FourBitOptions, fourBitStorage } from './four-bit-storage.js';

/** FP4 with other options, which say only how new weights are quantised; see createNf4. Throws INVALID_BLOCK_SIZE. */
export function createFp4(options: FourBitOptions = {}): BaseStorage {
  return fourBitStorage(fp4Type, options);
}

/** FP4 with double quantisation in blocks of 64. */
export const fp4: BaseStorage = createFp4();
