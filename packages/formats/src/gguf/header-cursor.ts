/**
 * Reads a header of unknown length from its start on, through a window that grows as it is needed. What the file claims is
 * compared with what is left of it before anything is read or taken.
 */
import type { ByteSource } from '../byte-source.js';
import { TensorFileError } from '../tensor-file-error.js';

/** Bytes of metadata and tensor descriptions that are accepted; the largest vocabularies take a tenth of it. */
const largestHeader = 100_000_000;
const step = 1 << 20; // bytes read at once

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class HeaderCursor {
  private window = new Uint8Array(0);
  private view = new DataView(this.window.buffer);
  private at = 0; // in the window
  private windowStart = 0; // in the file

  constructor(private readonly source: ByteSource) {}

  /** Bytes from the start of the file. */
  get position(): number {
    return this.windowStart + this.at;
  }

  /** Bytes that may still belong to the header. */
  get left(): number {
    return Math.min(this.source.size, largestHeader) - this.position;
  }

  /** Whether the next `length` bytes are in the window. */
  has(length: number): boolean {
    return this.at + length <= this.window.length;
  }

  /** Brings the next `length` bytes into the window. `what` is being read, for the error. */
  async reach(length: number, what: string): Promise<void> {
    if (this.has(length)) return;
    this.check(BigInt(length), what);
    const rest = this.window.subarray(this.at);
    const from = this.windowStart + this.window.length;
    const more = await this.source.read(from, Math.min(this.source.size - from, Math.max(length - rest.length, step)));
    this.windowStart = this.position;
    this.window = new Uint8Array(rest.length + more.length);
    this.window.set(rest);
    this.window.set(more, rest.length);
    this.view = new DataView(this.window.buffer);
    this.at = 0;
  }

  /** A count from the file, if that many things of at least `bytes` bytes can follow. */
  async count(bytes: number, what: string): Promise<number> {
    await this.reach(8, what);
    const count = this.uint64();
    this.check(count * BigInt(bytes), `${count} ${what}`);
    return Number(count);
  }

  /** A string: its length in 8 bytes, then UTF-8. */
  async string(what: string): Promise<string> {
    await this.reach(8, what);
    const length = this.uint64();
    this.check(length, `${what} of ${length} bytes`);
    await this.reach(Number(length), what);
    return this.text(Number(length), what);
  }

  /** The next string if it lies in the window whole: vocabularies have a million, too many to wait for one by one. */
  stringAtHand(what: string): string | undefined {
    if (!this.has(8)) return undefined;
    const length = this.view.getUint32(this.at, true) + this.view.getUint32(this.at + 4, true) * 2 ** 32;
    if (!this.has(8 + length)) return undefined;
    this.at += 8;
    return this.text(length, what);
  }
  /** The next bytes, within the window: a view, valid until the next `reach`. */
  bytes(length: number): Uint8Array {
    return this.window.subarray(this.at, (this.at += length));
  }

  uint32(): number {
    return this.view.getUint32((this.at += 4) - 4, true);
  }

  uint64(): bigint {
    return this.view.getBigUint64((this.at += 8) - 8, true);
  }

  private text(length: number, what: string): string {
    try {
      return utf8.decode(this.bytes(length));
    } catch (cause) {
      throw new TensorFileError(
        'GGUF_HEADER',
        this.source.name,
        `${what}, before byte ${this.position}, is not UTF-8. The file is damaged, or was written wrongly: fetch it again.`,
        { cause },
      );
    }
  }

  private check(length: bigint, what: string): void {
    if (length <= BigInt(this.left)) return;
    const { name, size } = this.source;
    if (size <= largestHeader || this.position + Number(length) > size) {
      throw new TensorFileError(
        'GGUF_TRUNCATED',
        name,
        `claims ${what} at byte ${this.position}, but has only ${size} bytes. It is cut off (an interrupted download?) or damaged: fetch it again.`,
      );
    }
    throw new TensorFileError(
      'GGUF_HEADER',
      name,
      `claims ${what} at byte ${this.position}; metadata and tensor descriptions may take at most ${largestHeader} bytes.`,
    );
  }
}
