import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromFloat32, toFloat32 } from './float-values.js';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from './half-precision.js';
import { openSafetensors } from './safetensors/open-safetensors.js';

const fixture = (name: string) => new URL(`__fixtures__/${name}`, import.meta.url).pathname;
const everyPattern = Uint16Array.from({ length: 65536 }, (_, i) => i);
const widening = JSON.parse(readFileSync(fixture('widening.json'), 'utf8')) as Record<string, string>;

const formats = [
  { name: 'F16', widen: widenF16, narrow: narrowF16, infinity: 0x7c00 },
  { name: 'BF16', widen: widenBF16, narrow: narrowBF16, infinity: 0x7f80 },
] as const;

test.each(formats)('$name: all 65,536 patterns widen as torch widens them', ({ name, widen }) => {
  const numbers = widen(everyPattern).filter((value) => !Number.isNaN(value));
  expect(createHash('sha256').update(fromFloat32(numbers, 'F32')).digest('hex')).toBe(widening[name]);
});

test.each(formats)('$name: widening and narrowing gives every pattern back', ({ widen, narrow }) => {
  const wide = widen(everyPattern);
  const back = narrow(wide);
  const again = widen(back);
  const wrong = [...everyPattern].filter((p) => (Number.isNaN(wide[p]) ? !Number.isNaN(again[p]) : back[p] !== p));
  expect(wrong).toEqual([]);
});

test.each(formats)(
  '$name: between two neighbours the nearer is taken, and at the middle the even one',
  ({ widen, narrow, infinity }) => {
    const wide = widen(everyPattern);
    const lower = everyPattern.subarray(0, infinity - 1);
    const middle = Float32Array.from(lower, (p) => (wide[p]! + wide[p + 1]!) / 2); // exact in fp32
    const step = (x: number, by: number) =>
      new Float32Array(new Uint32Array([new Uint32Array(new Float32Array([x]).buffer)[0]! + by]).buffer)[0]!;
    for (const sign of [1, -1]) {
      const top = sign < 0 ? 0x8000 : 0;
      const narrowed = (values: Float32Array) => narrow(values.map((x) => sign * x));
      const even = narrowed(middle);
      const below = narrowed(middle.map((x) => step(x, -1)));
      const above = narrowed(middle.map((x) => step(x, 1)));
      const wrong = [...lower].filter(
        (p) => even[p] !== (top | (p + (p & 1))) || below[p] !== (top | p) || above[p] !== (top | (p + 1)),
      );
      expect(wrong).toEqual([]);
    }
  },
);

test.each(['F16', 'BF16'] as const)(
  '%s: ties, subnormals, limits and a wide spread narrow as torch narrows them',
  async (dtype) => {
    const file = await openSafetensors(fixture('narrowing.safetensors'));
    const values = toFloat32((await file.read('f32')).data, 'F32');
    const golden = (await file.read(dtype.toLowerCase())).data;
    const wide = toFloat32(golden, dtype);
    await file.close();
    const ours = toFloat32(fromFloat32(values, dtype), dtype);
    expect(values.length).toBeGreaterThan(3000);
    expect([...ours]).toEqual([...wide]); // NaN equals NaN here; -0 and 0 differ
  },
);

test('unaligned bytes and fp64 are read; F32 is viewed without a copy', () => {
  const shifted = new Uint8Array(9);
  shifted.set(fromFloat32(new Float32Array([1.5, -2]), 'F32'), 1);
  expect([...toFloat32(shifted.subarray(1), 'F32')]).toEqual([1.5, -2]);
  expect([...toFloat32(fromFloat32(new Float32Array([0.1]), 'F64'), 'F64')]).toEqual([Math.fround(0.1)]);
  const values = new Float32Array([7]);
  expect(fromFloat32(values, 'F32').buffer).toBe(values.buffer);
});
