/**
 * Writes protocol buffer messages (proto3 wire format) into one growing buffer.
 *
 *   field = varint(number << 3 | wire type), payload        wire types: 0 varint, 2 length-delimited, 5 four bytes
 *
 * Only what ONNX models need. A nested message is written in place and moved up once its length is known.
 */
const encoder = new TextEncoder();

export class ProtobufWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** An int32, int64, bool or enum field. Negative integers take ten bytes, as the format says. */
  integer(field: number, value: number | bigint): this {
    this.#tag(field, 0);
    this.#varint(value);
    return this;
  }

  /** A float field: IEEE single precision, little-endian. */
  float(field: number, value: number): this {
    this.#tag(field, 5);
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.open(field, value.length).raw(value);
  }

  /** A nested message: `write` fills it with this same writer. */
  message(field: number, write: (writer: this) => void): this {
    this.#tag(field, 2);
    const start = this.#length;
    write(this);
    const size = this.#length - start;
    const prefix = varintLength(size);
    this.#reserve(prefix);
    this.#bytes.copyWithin(start + prefix, start, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
    return this;
  }

  /** The beginning of a bytes or message field whose `length` bytes the caller writes elsewhere. */
  open(field: number, length: number): this {
    this.#tag(field, 2);
    this.#varint(length);
    return this;
  }

  /** Fields that another writer has made, as they are. */
  raw(fields: Uint8Array): this {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#length);
    this.#length += fields.length;
    return this;
  }

  /** The bytes written so far, as a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= 0) {
      // Plain arithmetic, as shifts would cut the value to 32 bits.
      while (value > 127) {
        this.#bytes[this.#length++] = (value % 128) + 128;
        value = Math.floor(value / 128);
      }
      this.#bytes[this.#length++] = value;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.#bytes[this.#length++] = Number(rest & 127n) + 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Bytes that a length takes in the format. */
export function varintLength(value: number): number {
  let length = 1;
  while (value > 127) {
    value = Math.floor(value / 128);
    length++;
  }
  return length;
}
