/**
 * bitsandbytes' `quant_state` part: what is no tensor, as JSON in the very bytes that Python's json.dumps writes.
 *
 *   {"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [384, 384],
 *    "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.1036}       the last three: double quantisation
 */
import type { TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';

/** `type`: 'nf4', 'fp4'. */
export const quantStateKey = (type: string): string => `weight.quant_state.bitsandbytes__${type}`;

export interface QuantState {
  readonly type: string;
  readonly blockSize: number;
  readonly rows: number;
  readonly columns: number;
  readonly nested?: { readonly blockSize: number; readonly offset: number } | undefined;
}

export function writeQuantState({ type, blockSize, rows, columns, nested }: QuantState): TensorBytes {
  const fields = [
    `"quant_type": "${type}"`,
    `"blocksize": ${blockSize}`,
    `"dtype": "float32"`,
    `"shape": [${rows}, ${columns}]`,
  ];
  if (nested !== undefined) {
    fields.push(`"nested_blocksize": ${nested.blockSize}`, `"nested_dtype": "float32"`);
    fields.push(`"nested_offset": ${pythonFloat(nested.offset)}`);
  }
  const data = new TextEncoder().encode(`{${fields.join(', ')}}`);
  return { dtype: 'U8', shape: [data.length], data };
}

/** Throws PART_INVALID, which names the field. */
export function readQuantState(type: string, { data }: TensorBytes): QuantState {
  const invalid = (field: string, found: unknown, expected: string) => invalidField(type, field, found, expected);
  const fields = parseObject(type, data);
  const shape = fields.shape;
  const blockSize = fields.blocksize;
  if (fields.quant_type !== type) throw invalid('quant_type', fields.quant_type, `"${type}"`);
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(isCount)) {
    throw invalid('shape', shape, 'two whole numbers [rows, columns]');
  }
  if (!isBlockSize(blockSize)) throw invalid('blocksize', blockSize, `one of ${blockSizes.join(', ')}`);
  const [rows, columns] = shape as [number, number];
  return { type, blockSize, rows, columns, nested: readNested(fields, invalid) };
}

function parseObject(type: string, data: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    throw new LoranError('PART_INVALID', `The part '${quantStateKey(type)}' is not JSON in UTF-8.`, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  throw new LoranError('PART_INVALID', `The part '${quantStateKey(type)}' is not a JSON object.`);
}

function readNested(
  fields: Record<string, unknown>,
  invalid: (field: string, found: unknown, expected: string) => LoranError,
): QuantState['nested'] {
  const blockSize = fields.nested_blocksize;
  const offset = fields.nested_offset;
  if (blockSize === undefined && offset === undefined) return undefined;
  if (!isCount(blockSize)) throw invalid('nested_blocksize', blockSize, 'a whole number from 1 on');
  if (typeof offset !== 'number' || !Number.isFinite(offset)) throw invalid('nested_offset', offset, 'a finite number');
  if (fields.nested_dtype !== 'float32') throw invalid('nested_dtype', fields.nested_dtype, '"float32"');
  return { blockSize, offset };
}

/** The block sizes that bitsandbytes knows. */
export const blockSizes: readonly number[] = [32, 64, 128, 256, 512, 1024, 2048, 4096];

export const isBlockSize = (value: unknown): value is number => blockSizes.includes(value as number);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

function invalidField(type: string, field: string, found: unknown, expected: string): LoranError {
  return new LoranError(
    'PART_INVALID',
    `The field '${field}' of the part '${quantStateKey(type)}' is ${found === undefined ? 'missing' : JSON.stringify(found)}; expected ${expected}.`,
  );
}

/** A number as Python prints a float: the same shortest digits as JavaScript's, other conventions around them. */
function pythonFloat(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2'); // two digits of exponent at least: 1e-05
  }
  const digits = String(value);
  return digits.includes('.') ? digits : `${digits}.0`;
}
