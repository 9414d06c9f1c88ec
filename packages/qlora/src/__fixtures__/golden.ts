/** The golden cases that tools/parity/qlora.py writes from bitsandbytes. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WeightSource } from '@loran/adapter';
import { openSafetensors, type TensorBytes } from '@loran/formats';

export type TypeName = 'nf4' | 'fp4';

export interface WeightValues {
  readonly shape: readonly [number, number];
  readonly values: Float32Array;
}

export interface GoldenCase {
  readonly name: string;
  readonly blockSize: number;
  readonly double: boolean;
  readonly source: WeightValues;
  /** What bitsandbytes keeps, by part name. */
  readonly parts: ReadonlyMap<string, TensorBytes>;
  /** bitsandbytes' mean of the block maxima; undefined under single quantisation. */
  readonly offset: number | undefined;
  /** What `digest` gives of bitsandbytes' dequantised values. */
  readonly dequantised: string;
}

/** FP4's sources are NF4's but for the ties, which lie between other codes. */
export async function goldenCases(type: TypeName): Promise<readonly GoldenCase[]> {
  const described = JSON.parse(await text('nf4.json')) as GoldenCase[];
  const sources = await openSafetensors(pathOf('nf4.safetensors'));
  const file = type === 'nf4' ? sources : await openSafetensors(pathOf('fp4.safetensors'));
  const cases = await Promise.all(
    described.map(async (row, index) => {
      const own = type === 'fp4' && row.name.startsWith('ties');
      const source = await (own ? file.read('ties/source') : sources.read(`${index}/source`));
      const prefix = `${index}/parts/`;
      const names = [...file.tensors.keys()].filter((name) => name.startsWith(prefix));
      const parts = new Map(
        await Promise.all(names.map(async (name) => [name.slice(prefix.length), await file.read(name)] as const)),
      );
      const values = await file.read(`${index}/dequantised`);
      return {
        ...row,
        source: { shape: source.shape as [number, number], values: floats(source) },
        parts,
        offset: quantState(type, parts).nested_offset as number | undefined,
        dequantised: values.dtype === 'U8' ? Buffer.from(values.data).toString('hex') : digest(floats(values)),
      };
    }),
  );
  await Promise.all([sources.close(), file.close()]);
  return cases;
}

export interface BlockSizeCase {
  readonly type: TypeName;
  readonly blockSize: number;
  readonly double: boolean;
  readonly shape: readonly [number, number];
  /** The JSON of quant_state. */
  readonly state: string;
  /** Digests of the parts' bytes. */
  readonly parts: Readonly<Record<string, string>>;
  readonly dequantised: string;
}

export const blockSizeCases = async (): Promise<readonly BlockSizeCase[]> =>
  JSON.parse(await text('block-sizes.json')) as BlockSizeCase[];

/** The weight of those cases: rows_of_scales of tools/parity/qlora.py. */
export function rowsOfScales([rows, columns]: readonly [number, number]): WeightValues {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => {
    const ramp = Math.fround(Number((BigInt(i) * 2654435761n) % 4294967296n) / 4294967296 - 0.5);
    return ramp * 2 ** ((Math.floor(i / columns) % 8) - 3);
  });
  return { shape: [rows, columns], values };
}

/** The first 16 digits of SHA-256; -0 counts as 0 in values. */
export function digest(values: Float32Array | Uint8Array): string {
  const bytes = values instanceof Uint8Array ? values : new Uint8Array(values.map((value) => value + 0).buffer);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Values as a source that yields them in runs of that length. */
export function sourceOf({ shape, values }: WeightValues, run = values.length, bias?: Float32Array): WeightSource {
  return {
    kind: 'linear',
    path: 'model.layer',
    rows: shape[0],
    columns: shape[1],
    bias: bias ?? null,
    async *values() {
      for (let start = 0; start < values.length; start += run) yield values.subarray(start, start + run);
    },
  };
}

export function quantState(type: TypeName, parts: ReadonlyMap<string, TensorBytes>): Record<string, unknown> {
  const { data } = parts.get(`weight.quant_state.bitsandbytes__${type}`)!;
  return JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>;
}

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const text = (name: string): Promise<string> => readFile(pathOf(name), 'utf8');
const floats = ({ data }: TensorBytes): Float32Array => new Float32Array(data.slice().buffer);
