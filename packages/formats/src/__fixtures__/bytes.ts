/** Files made by hand for the tests: a header of any content over any data, and a source that counts what is read. */
import type { ByteSource } from '../byte-source.js';

/** A safetensors file with this header, right or wrong. */
export function fileOf(header: string | Uint8Array | object, dataLength = 0, headerLength?: bigint): Uint8Array {
  const bytes = header instanceof Uint8Array ? header : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + bytes.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, headerLength ?? BigInt(bytes.length), true);
  file.set(bytes, 8);
  return file;
}

/** A source over a buffer. `asked` adds up the bytes requested; a range outside the buffer throws a bare error. */
export function bufferSource(bytes: Uint8Array, size = bytes.length, name = 'buffer.safetensors'): ByteSource & { asked: number; closed: boolean } {
  return {
    name,
    size,
    asked: 0,
    closed: false,
    async read(offset, length) {
      this.asked += length;
      if (offset < 0 || length < 0 || offset + length > size) throw new RangeError(`read ${length} bytes at ${offset} of ${size}`);
      return bytes.slice(offset, offset + length);
    },
    async close() {
      this.closed = true;
    },
  };
}

/** Every file that one bit or one cut away is from `bytes`: cut before each byte, and each bit of it flipped. */
export function* damaged(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    yield bytes.slice(0, at);
    for (let bit = 0; bit < 8; bit++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << bit;
      yield flipped;
    }
  }
}
