import { expect, test } from 'vitest';
import { ProtobufWriter } from './protobuf-writer.js';

const bytes = (write: (writer: ProtobufWriter) => void): number[] => {
  const writer = new ProtobufWriter(1);
  write(writer);
  return [...writer.finish()];
};

// The examples of the encoding guide of protocol buffers, and the borders of the varint lengths.
test.each([
  ['150 in field 1', 1, 150, [0x08, 0x96, 0x01]],
  ['0', 1, 0, [0x08, 0x00]],
  ['127', 1, 127, [0x08, 0x7f]],
  ['128', 1, 128, [0x08, 0x80, 0x01]],
  ['a field above 15', 20, 2, [0xa0, 0x01, 0x02]],
  ['more than 32 bits', 1, 2 ** 35, [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
  ['-2', 1, -2, [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['a bigint', 1, 300n, [0x08, 0xac, 0x02]],
])('integer: %s', (_, field, value, expected) => {
  expect(bytes((writer) => writer.integer(field, value))).toEqual(expected);
});

test('strings are UTF-8, with their length in bytes', () => {
  expect(bytes((writer) => writer.string(2, 'testing'))).toEqual([0x12, 7, ...Buffer.from('testing')]);
  expect(bytes((writer) => writer.string(2, 'ω'))).toEqual([0x12, 2, 0xcf, 0x89]);
});

test('floats are four bytes, little-endian', () => {
  expect(bytes((writer) => writer.float(2, 1.5))).toEqual([0x15, 0, 0, 0xc0, 0x3f]);
});

test('a nested message carries its length, also beyond one byte', () => {
  expect(bytes((writer) => writer.message(3, (inner) => inner.integer(1, 150)))).toEqual([0x1a, 3, 0x08, 0x96, 0x01]);
  const content = new Uint8Array(300).fill(7);
  const nested = bytes((writer) => writer.message(1, (outer) => outer.message(2, (inner) => inner.bytes(3, content))));
  expect(nested).toEqual([0x0a, 0xb2, 0x02, 0x12, 0xaf, 0x02, 0x1a, 0xac, 0x02, ...content]);
});

test('finish copies: writing on does not change what was finished', () => {
  const writer = new ProtobufWriter().integer(1, 1);
  const first = writer.finish();
  writer.integer(1, 2);
  expect([...first]).toEqual([0x08, 1]);
  expect([...writer.finish()]).toEqual([0x08, 1, 0x08, 2]);
});
