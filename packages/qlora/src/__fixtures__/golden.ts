/** The golden cases that tools/parity/qlora.py writes from bitsandbytes. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WeightSource } from '@loran/adapter';
import { openSafetensors, type TensorBytes } from '@loran/formats';

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
  readonly dequantised: Float32Array;
}

export async function goldenCases(): Promise<readonly GoldenCase[]> {
  const described = JSON.parse(await readFile(new URL('nf4.json', import.meta.url), 'utf8')) as GoldenCase[];
  const file = await openSafetensors(fileURLToPath(new URL('nf4.safetensors', import.meta.url)));
  const cases = await Promise.all(
    described.map(async (row, index) => {
      const source = await file.read(`${index}/source`);
      const prefix = `${index}/parts/`;
      const names = [...file.tensors.keys()].filter((name) => name.startsWith(prefix));
      const parts = new Map(
        await Promise.all(names.map(async (name) => [name.slice(prefix.length), await file.read(name)] as const)),
      );
      return {
        ...row,
        source: { shape: source.shape as [number, number], values: floats(source) },
        parts,
        offset: quantState(parts).nested_offset as number | undefined,
        dequantised: floats(await file.read(`${index}/dequantised`)),
      };
    }),
  );
  await file.close();
  return cases;
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

export function quantState(parts: ReadonlyMap<string, TensorBytes>): Record<string, unknown> {
  const { data } = parts.get('weight.quant_state.bitsandbytes__nf4')!;
  return JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>;
}

const floats = ({ data }: TensorBytes): Float32Array => new Float32Array(data.slice().buffer);
