/**
 * Where the entries of a zip archive lie, for archives whose entries are stored as they are, as torch writes them.
 *
 *   local header, name, extra, data     for each entry
 *   central directory                   a header for each entry: name, sizes, place of its local header
 *   end record                          22 bytes and a comment: place of the central directory; behind a zip64 record in large archives
 *
 * Source: PKWARE's APPNOTE 6.3. All sizes are those of the central directory, as its readers take them. Refused: compressed or encrypted entries (what is
 * unpacked could be of any size), entries that overlap or leave the file, names that occur twice, archives in several volumes.
 */
import type { ByteSource } from '../byte-source.js';
import { TensorFileError } from '../tensor-file-error.js';

export interface ZipEntry {
  /** First byte of its data, counted from the start of the archive. */
  readonly begin: number;
  readonly byteLength: number;
}

interface Directory {
  readonly begin: number;
  readonly byteLength: number;
  readonly count: number;
}

interface Listed {
  readonly name: string;
  readonly header: number;
  readonly byteLength: number;
}

const largestDirectory = 64 << 20;
const [localSize, centralSize, endSize, locatorSize, end64Size] = [30, 46, 22, 20, 56];
const largestComment = 0xffff;

/** The entries by name. Throws TORCH_ZIP. */
export async function zipEntries(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const refuse = (problem: string) =>
    new TensorFileError('TORCH_ZIP', source.name, `${problem} The file is damaged or cut off: fetch or save it again.`);
  const directory = await findDirectory(source, refuse);
  const listed = listEntries(await source.read(directory.begin, directory.byteLength), directory, refuse);
  const entries = new Map<string, ZipEntry>();
  let [free, before] = [0, 'the start of the file'];
  for (const { name, header, byteLength } of listed.sort((a, b) => a.header - b.header)) {
    if (header < free) throw refuse(`the zip entry ${JSON.stringify(name)} overlaps ${before}.`);
    if (header + localSize > directory.begin)
      throw refuse(`the zip entry ${JSON.stringify(name)} begins behind the entries.`);
    const local = viewOf(await source.read(header, localSize));
    if (local.getUint32(0, true) !== 0x04034b50)
      throw refuse(`the zip entry ${JSON.stringify(name)} has no header at byte ${header}.`);
    const begin = header + localSize + local.getUint16(26, true) + local.getUint16(28, true);
    if (begin + byteLength > directory.begin) {
      throw refuse(
        `the zip entry ${JSON.stringify(name)} ends at byte ${begin + byteLength}, but the entries end at ${directory.begin}.`,
      );
    }
    if (entries.has(name)) throw refuse(`the zip entry ${JSON.stringify(name)} occurs twice.`);
    entries.set(name, { begin, byteLength });
    [free, before] = [begin + byteLength, JSON.stringify(name)];
  }
  return entries;
}

type Refuse = (problem: string) => TensorFileError;

async function findDirectory(source: ByteSource, refuse: Refuse): Promise<Directory> {
  const tailLength = Math.min(source.size, endSize + largestComment + locatorSize);
  const tailBegin = source.size - tailLength;
  const tail = viewOf(await source.read(tailBegin, tailLength));
  let at = tailLength - endSize;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === 0x06054b50 && tail.getUint16(at + 20, true) === tailLength - at - endSize)
  )
    at--;
  if (at < 0) throw refuse('this zip archive has no end record.');
  const located = at >= locatorSize && tail.getUint32(at - locatorSize, true) === 0x07064b50;
  const directory = located
    ? await zip64Directory(source, wide(tail, at - locatorSize + 8, refuse), refuse)
    : {
        count: tail.getUint16(at + 10, true),
        byteLength: tail.getUint32(at + 12, true),
        begin: tail.getUint32(at + 16, true),
      };
  const { begin, byteLength, count } = directory;
  if (begin + byteLength > tailBegin + at || byteLength > largestDirectory || count * centralSize > byteLength) {
    throw refuse(
      `its zip directory of ${count} entries in ${byteLength} bytes at byte ${begin} does not fit the file.`,
    );
  }
  return directory;
}

async function zip64Directory(source: ByteSource, at: number, refuse: Refuse): Promise<Directory> {
  if (at + end64Size > source.size) throw refuse(`its zip64 end record should be at byte ${at} of ${source.size}.`);
  const record = viewOf(await source.read(at, end64Size));
  if (record.getUint32(0, true) !== 0x06064b50) throw refuse(`its zip64 end record is not at byte ${at}.`);
  return { count: wide(record, 32, refuse), byteLength: wide(record, 40, refuse), begin: wide(record, 48, refuse) };
}

function listEntries(bytes: Uint8Array, { count }: Directory, refuse: Refuse): Listed[] {
  const view = viewOf(bytes);
  const listed: Listed[] = [];
  for (let at = 0; listed.length < count;) {
    if (at + centralSize > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw refuse(`its zip directory is broken after ${listed.length} of ${count} entries.`);
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const next = at + centralSize + nameLength + extraLength + commentLength;
    if (next > bytes.length) throw refuse(`its zip directory is broken after ${listed.length} of ${count} entries.`);
    const name = nameOf(bytes.subarray(at + centralSize, at + centralSize + nameLength), refuse);
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw refuse(`the zip entry ${JSON.stringify(name)} is encrypted.`);
    if (view.getUint16(at + 10, true) !== 0) {
      throw refuse(`the zip entry ${JSON.stringify(name)} is compressed, which torch never does.`);
    }
    const extra = at + centralSize + nameLength;
    const [whole, packed, header] = wideFields(view, at, { begin: extra, end: extra + extraLength }, refuse);
    if (whole !== packed) throw refuse(`the zip entry ${JSON.stringify(name)} has ${packed} bytes for ${whole}.`);
    listed.push({ name, header, byteLength: whole });
    at = next;
  }
  return listed;
}

/** Size, stored size and place of an entry: 32 bits, or, where these are all ones, 64 bits in the zip64 field. */
function wideFields(
  view: DataView,
  at: number,
  extra: { begin: number; end: number },
  refuse: Refuse,
): [number, number, number] {
  let field = extra.begin;
  while (field + 4 <= extra.end && view.getUint16(field, true) !== 1) field += 4 + view.getUint16(field + 2, true);
  let next = field + 4;
  const last = field + 4 <= extra.end ? Math.min(extra.end, next + view.getUint16(field + 2, true)) : 0;
  return [24, 20, 42].map((place) => {
    const narrow = view.getUint32(at + place, true);
    if (narrow !== 0xffffffff) return narrow;
    if (next + 8 > last) throw refuse('a zip entry lacks its 64-bit sizes.');
    next += 8;
    return wide(view, next - 8, refuse);
  }) as [number, number, number];
}

function wide(view: DataView, at: number, refuse: Refuse): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse(`a size or place in its zip directory is ${value}.`);
  return Number(value);
}

function nameOf(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('the name of a zip entry is not UTF-8.');
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
