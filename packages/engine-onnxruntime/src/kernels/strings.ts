/**
 * String tensors, which no graph holds: they live on the host, and a kernel that moves or compares them works on numbers.
 *
 * To move strings, their positions are moved instead, by the same kernel, and read back; to compare them, their ranks are.
 */
import { type BackendValues, type TensorInfo, type TypedArray, util } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, LazyBackend } from './kernel.js';

type Text = Uint8Array; // UTF-8

/** A 64-bit integer, as far as it is used here; tfjs's own type for it comes from a package without types. */
interface Integer64 {
  modulo(divisor: number): Integer64;
  getLowBitsUnsigned(): number;
}
const fingerprint: (text: Text) => Integer64 = util.fingerPrint64;

export const stringKernels: readonly KernelDefinition[] = [
  defineKernel<{ x: TensorInfo }, { pattern: string; rewrite: string; replaceGlobal: boolean }>(
    'StaticRegexReplace',
    ({ x }, { pattern, rewrite, replaceGlobal }, backend) => {
      const expression = new RegExp(pattern, replaceGlobal ? 'g' : '');
      const replaced = textsOf(backend, x).map((text) => util.decodeString(text).replace(expression, rewrite));
      return backend.constant(
        replaced.map((text) => util.encodeString(text)),
        x.shape,
        'string',
      );
    },
  ),
  defineKernel<{ input: TensorInfo }, { numBuckets: number }>(
    'StringToHashBucketFast',
    ({ input }, { numBuckets }, backend) => {
      if (numBuckets <= 0) throw invalid(`Number of buckets must be at least 1, not ${numBuckets}.`);
      const buckets = textsOf(backend, input).map((text) => fingerprint(text).modulo(numBuckets).getLowBitsUnsigned());
      return backend.constant(Int32Array.from(buckets), input.shape, 'int32');
    },
  ),
  defineKernel<{ input: TensorInfo; delimiter: TensorInfo }, { skipEmpty: boolean }>('StringSplit', stringSplit),
];

/** A kernel that also moves strings. Its outputs hold elements of its string inputs and nothing else. */
export function movingStrings(definition: KernelDefinition): KernelDefinition {
  return onNumbers(definition, (backend, inputs) => {
    const texts = inputs.flatMap((input) => textsOf(backend, input));
    let position = 0;
    return {
      encode: () => position++,
      decode: (result) => {
        const moved = Array.from(backend.readSync(result.dataId) as TypedArray, (at) => texts[at] as Text);
        backend.release(result);
        return backend.constant(moved, result.shape, 'string');
      },
    };
  });
}

/** A comparison that also compares strings, by their UTF-8 bytes. */
export function comparingStrings(definition: KernelDefinition): KernelDefinition {
  return onNumbers(definition, (backend, inputs) => {
    const texts = new Set(inputs.flatMap((input) => textsOf(backend, input)).map((text) => util.decodeString(text)));
    const ranks = new Map([...texts].sort().map((text, rank) => [text, rank]));
    return { encode: (text) => ranks.get(util.decodeString(text)) ?? 0, decode: (result) => result };
  });
}

interface Code {
  readonly encode: (text: Text) => number;
  readonly decode: (result: TensorInfo) => TensorInfo;
}

/** Where there are string inputs, `definition` gets numbers for them, and its results are decoded. */
function onNumbers(
  { kernelName, kernelFunc }: KernelDefinition,
  codeOf: (backend: LazyBackend, inputs: readonly TensorInfo[]) => Code,
): KernelDefinition {
  return {
    kernelName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const strings = Object.values(inputs).filter((input) => input !== undefined && isString(input)) as TensorInfo[];
      if (strings.length === 0) return kernelFunc({ inputs, attrs, backend });
      const { encode, decode } = codeOf(backend, strings);
      const made: TensorInfo[] = [];
      const numbersOf = (input: TensorInfo): TensorInfo => {
        if (!isString(input)) return input;
        const numbers = backend.constant(Int32Array.from(textsOf(backend, input), encode), input.shape, 'int32');
        made.push(numbers);
        return numbers;
      };
      // Kernels of any number of tensors get them as an array.
      const encoded = Array.isArray(inputs)
        ? (inputs as TensorInfo[]).map(numbersOf)
        : Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input && numbersOf(input)]));
      const result = kernelFunc({ inputs: encoded as typeof inputs, attrs, backend });
      const decoded = Array.isArray(result) ? result.map(decode) : decode(result);
      for (const numbers of made) backend.release(numbers);
      return decoded;
    },
  };
}

function isString({ dtype }: TensorInfo): boolean {
  return dtype === 'string';
}

function invalid(message: string): LoranError {
  return new LoranError('INVALID_STRINGS', message);
}

function textsOf(backend: LazyBackend, x: TensorInfo): Text[] {
  return backend.readSync(x.dataId) as BackendValues as Text[];
}

/** The tokens of every string, as a sparse matrix: indices, tokens, dense shape. */
function stringSplit(
  { input, delimiter }: { input: TensorInfo; delimiter: TensorInfo },
  { skipEmpty }: { skipEmpty: boolean },
  backend: LazyBackend,
): TensorInfo[] {
  if (input.shape.length !== 1) throw invalid(`Input should be a vector but received shape: ${input.shape}`);
  if (sizeOf(delimiter.shape) !== 1)
    throw invalid(`Delimiter should be a scalar but received shape: ${delimiter.shape}`);
  const delimiters = textsOf(backend, delimiter)[0] ?? new Uint8Array();
  const rows = textsOf(backend, input).map((text) => tokens(text, delimiters, skipEmpty));
  const indices = rows.flatMap((row, i) => row.flatMap((_, j) => [i, j]));
  const all = rows.flat();
  const width = rows.reduce((longest, { length }) => Math.max(longest, length), 0);
  return [
    backend.constant(Int32Array.from(indices), [all.length, 2], 'int32'),
    backend.constant(all, [all.length], 'string'),
    backend.constant(Int32Array.of(rows.length, width), [2], 'int32'),
  ];
}

/** Cut at every byte that is a delimiter; without delimiters into single bytes. */
function tokens(text: Text, delimiters: Text, skipEmpty: boolean): Text[] {
  if (text.length === 0) return [];
  if (delimiters.length === 0) return Array.from(text, (byte) => Uint8Array.of(byte));
  const found: Text[] = [];
  let start = 0;
  for (let end = 0; end <= text.length; end++) {
    if (end < text.length && !delimiters.includes(text[end] ?? 0)) continue;
    if (!skipEmpty || end > start) found.push(text.slice(start, end));
    start = end + 1;
  }
  return found;
}
