/** Bytes that grow as numbers and strings are put behind them, little-endian. */
export class HeaderWriter {
  private buffer = Buffer.alloc(1 << 16);
  private length = 0;

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.length = this.buffer.writeUInt32LE(value, this.length);
  }

  uint64(value: number | bigint): void {
    this.reserve(8);
    this.length = this.buffer.writeBigUInt64LE(BigInt(value), this.length);
  }

  /** Length in 8 bytes, then UTF-8. */
  string(text: string): void {
    const length = Buffer.byteLength(text);
    this.uint64(length);
    this.reserve(length);
    this.length += this.buffer.write(text, this.length);
  }

  /** Everything so far, with zeros up to a multiple of `alignment`. */
  padded(alignment: number): Uint8Array {
    this.reserve(alignment);
    return this.buffer.subarray(0, Math.ceil(this.length / alignment) * alignment);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const grown = Buffer.alloc(2 * (this.length + more));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
