/**
 * NF4 base storage: the frozen weights of QLoRA (Dettmers et al. 2023, arXiv 2305.14314), byte for byte as bitsandbytes
 * quantises them on the CPU. QLoRA is `lora` over this storage; any other method runs over it as well.
 */
import type { BaseStorage } from '@loran/adapter';
import { nf4Type } from './codebook.js';
import { type FourBitOptions, fourBitStorage } from './four-bit-storage.js';

/**
 * NF4 with other options. All such storages are called 'nf4', and each restores what any of them, or bitsandbytes, wrote:
 * the options say only how new weights are quantised. Throws INVALID_BLOCK_SIZE.
 */
export function createNf4(options: FourBitOptions = {}): BaseStorage {
  return fourBitStorage(nf4Type, options);
}

/** NF4 with double quantisation in blocks of 64, as QLoRA has it. */
export const nf4: BaseStorage = createNf4();
