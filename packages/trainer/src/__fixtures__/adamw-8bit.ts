/** The values that tools/parity/adamw_8bit.py computed with bitsandbytes, and the formula of its gradients. */
import { readFileSync } from 'node:fs';

const raw = JSON.parse(readFileSync(new URL('adamw-8bit.json', import.meta.url), 'utf8')) as {
  readonly signedMap: string;
  readonly unsignedMap: string;
  readonly shapes: Readonly<Record<string, number[]>>;
  readonly options: { readonly betas: readonly [number, number]; readonly epsilon: number; readonly weightDecay: number };
  readonly rates: readonly number[];
  readonly every: number;
  readonly trace: readonly Readonly<Record<string, string>>[];
  readonly state: Readonly<Record<string, Readonly<Record<'first' | 'second' | 'firstScale' | 'secondScale', string>>>>;
};

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const mapped = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

export const adamw8bitGolden = {
  ...raw,
  signedMap: floats(raw.signedMap),
  unsignedMap: floats(raw.unsignedMap),
  /** Every so many values of the parameters, after each step. */
  trace: raw.trace.map((values) => mapped(values, floats)),
  /** At the end, of those in 8 bits. */
  state: mapped(raw.state, ({ first, second, firstScale, secondScale }) => ({
    first: bytes(first),
    second: bytes(second),
    firstScale: floats(firstScale),
    secondScale: floats(secondScale),
  })),
};

/** Numbers in [-0.5, 0.5), those of index i divided by 2^(i mod spread). */
function noise(size: number, seed: number, spread: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const word = (Math.imul(i, 2654435761) + seed * 40503 + (i >> 7) * 97 * seed) >>> 0;
    return (word / 2 ** 32 - 0.5) * 2 ** -(i % spread);
  });
}

export const initial = (size: number, index: number): Float32Array => noise(size, index + 1, 1);

/** The gradient of a step, counted from 1: none for the first 300 values. */
export const gradient = (size: number, index: number, step: number): Float32Array =>
  noise(size, 100 * step + index, 12).fill(0, 0, 300);
