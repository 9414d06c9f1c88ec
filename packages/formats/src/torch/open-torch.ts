/**
 * Reads what torch.save writes of a state dict (`.bin`, `.pt`, `.pth`), over byte ranges: names and places at once, each tensor when it is asked for.
 *
 *   a zip archive of stored entries:  <root>/data.pkl   the pickle
 *                                     <root>/data/KEY   one storage each
 *                                     <root>/byteorder  'little' (absent before torch 2.1)
 *
 * Torch reads such files by executing their pickle; here it is read as data (see readPickle).
 */
import type { ByteSource } from '../byte-source.js';
import { fileOrPartsSource } from '../joined-source.js';
import { mistakenFile } from '../mistaken-file.js';
import type { Dtype } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { TensorFile } from '../tensor-file.js';
import { tensorReader } from '../tensor-reader.js';
import { readPickle } from './read-pickle.js';
import { stateDictTensors, stateDictWorld } from './state-dict.js';
import { zipEntries, type ZipEntry } from './zip-entries.js';

/** Names and places of 100,000 tensors take some 20 MB. */
const largestPickle = 32 << 20;

/**
 * Opens a state dict in torch's zip format, or any source of its bytes. A file that is not there is looked for in parts:
 * FILE.aa, FILE.ab, … The file stays open until `close()`.
 *
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, FILE_PARTS, TORCH_LEGACY (the format before torch 1.6), TORCH_ZIP, TORCH_PICKLE, TORCH_TENSOR.
 */
export async function openTorch(file: string | ByteSource): Promise<TensorFile<Dtype>> {
  const source = typeof file === 'string' ? await fileOrPartsSource(file) : file;
  try {
    await refuseOthers(source);
    const entries = await zipEntries(source);
    const { root, pickle } = await findPickle(source, entries);
    const storages = { get: (key: string) => entries.get(`${root}/data/${key}`) };
    const value = readPickle(pickle, stateDictWorld(storages, source.name), source.name);
    return tensorReader(source, stateDictTensors(value, source.size, source.name), new Map());
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function refuseOthers(source: ByteSource): Promise<void> {
  const { name, size } = source;
  const start = await source.read(0, Math.min(8, size));
  if (String.fromCharCode(...start.subarray(0, 4)) === 'PK\x03\x04') return;
  // Protocol 2 and the number that the older format begins with
  if (String.fromCharCode(...start) === '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46') {
    throw new TensorFileError(
      'TORCH_LEGACY',
      name,
      "is in torch's format from before version 1.6, where tensors cannot be read singly. Where you trust it, write it anew with " +
        `python -c "import torch; torch.save(torch.load('OLD.bin', map_location='cpu', weights_only=True), 'NEW.bin')".`,
    );
  }
  throw new TensorFileError(
    'TORCH_ZIP',
    name,
    `is no zip archive, which torch writes. ${mistakenFile(start, 'torch')}`,
  );
}

async function findPickle(
  source: ByteSource,
  entries: ReadonlyMap<string, ZipEntry>,
): Promise<{ readonly root: string; readonly pickle: Uint8Array }> {
  const refuse = (problem: string) => new TensorFileError('TORCH_ZIP', source.name, problem);
  const roots = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name)).map((name) => name.slice(0, -9));
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw refuse(`this zip archive holds ${roots.length} files data.pkl; expected one, as torch.save writes it.`);
  }
  if (entries.has(`${root}/constants.pkl`)) {
    throw refuse('this is a TorchScript program; expected a state dict: torch.save(model.state_dict(), file).');
  }
  const order = entries.get(`${root}/byteorder`);
  if (order !== undefined) {
    const text = String.fromCharCode(...(await source.read(order.begin, Math.min(order.byteLength, 16))));
    if (text !== 'little')
      throw refuse(`its numbers are ${JSON.stringify(text)}-endian; save it on a little-endian machine.`);
  }
  const { begin, byteLength } = entries.get(`${root}/data.pkl`)!;
  if (byteLength > largestPickle)
    throw refuse(`its data.pkl has ${byteLength} bytes; at most ${largestPickle} are allowed.`);
  return { root, pickle: await source.read(begin, byteLength) };
}
