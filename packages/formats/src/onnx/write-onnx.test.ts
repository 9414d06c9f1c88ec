/** ONNX files by their bytes. That ONNX Runtime computes with them is shown where models are written (@loran/models). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OnnxGraph } from './onnx-graph.js';
import { writeOnnx } from './write-onnx.js';
import { writeOnnxAdapter } from './write-onnx-adapter.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loran-onnx-'));
  path = join(folder, 'model.onnx');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Message = ReadonlyMap<number, readonly (number | Buffer)[]>;

/** The fields of a protocol buffer message: numbers, and bytes that may be messages. */
function parsed(bytes: Buffer): Message {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = tag % 8 === 0 ? 0 : tag % 8 === 5 ? 4 : varint();
    const value = tag % 8 === 0 ? varint() : bytes.subarray(at, at + length);
    at += length;
    fields.set(Math.floor(tag / 8), [...(fields.get(Math.floor(tag / 8)) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const messages = (message: Message, field: number) =>
  (message.get(field) ?? []).map((value) => parsed(value as Buffer));
const text = (message: Message, field: number) => String(message.get(field)?.[0]);

/** The initializers of a model by name. */
function initializers(): Map<string, Message> {
  const [graph] = messages(parsed(readFileSync(path)), 7);
  return new Map(messages(graph!, 5).map((tensor) => [text(tensor, 8), tensor]));
}

const halves = Float32Array.from({ length: 6 }, (_, i) => i / 2);

function twoWeights(): OnnxGraph {
  const graph = new OnnxGraph();
  const x = graph.input('x', 'float32', ['batch', 3]);
  const values = async function* () {
    yield halves.subarray(0, 2);
    yield halves.subarray(2);
  };
  const wide = graph.weight('wide', () => ({ dtype: 'F32', shape: [3, 2], values }));
  graph.weight('narrow', () => ({ dtype: 'F16', shape: [2], data: Uint8Array.of(0, 60, 0, 64) })); // 1, 2
  const y = graph.node('MatMul', [x, wide]);
  graph.output(graph.node('Add', [y, graph.node('Cast', ['narrow'], { to: 1 })]), 'y', 'float32', ['batch', 2]);
  return graph;
}

describe('a model', () => {
  test('has its versions, inputs, nodes, outputs and weights', async () => {
    expect(await writeOnnx(path, twoWeights())).toEqual(['model.onnx']);
    const model = parsed(readFileSync(path));
    expect(model.get(1)).toEqual([8]);
    expect(messages(model, 8).map((entry) => entry.get(2))).toEqual([[18]]);
    const [graph] = messages(model, 7);
    expect(messages(graph!, 1).map((node) => text(node, 4))).toEqual(['MatMul', 'Cast', 'Add', 'Identity']);
    expect([11, 12].map((field) => messages(graph!, field).map((info) => text(info, 1)))).toEqual([['x'], ['y']]);
    const { wide, narrow } = Object.fromEntries(initializers());
    expect([wide!.get(1), wide!.get(2), narrow!.get(1), narrow!.get(2)]).toEqual([[3, 2], [1], [2], [10]]);
    const raw = wide!.get(9)![0] as Buffer;
    expect(new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length))).toEqual(halves);
  });

  test('equal constants stand in it once, and an optional input is empty', async () => {
    const graph = new OnnxGraph();
    expect(graph.constant('int64', [1, -2])).toBe(graph.constant('int64', [1, -2]));
    expect(graph.constant('int64', [1, -2])).not.toBe(graph.constant('float32', [1, -2]));
    graph.optionalInput('A', 'float32', [4, 'rank']);
    await writeOnnx(path, graph);
    const found = initializers();
    expect([...found.keys()].sort()).toEqual(['A', 'c0', 'c1']);
    expect(found.get('A')!.get(1)).toEqual([4, 0]);
    expect(found.get('c0')!.get(9)![0]).toEqual(Buffer.from(BigInt64Array.of(1n, -2n).buffer));
  });

  test('many weights stand in a file beside it, each on a page of its own', async () => {
    expect(await writeOnnx(path, twoWeights(), { maxInlineBytes: 27 })).toEqual(['model.onnx_data', 'model.onnx']);
    const data = readFileSync(join(folder, 'model.onnx_data'));
    const places = [...initializers().values()].map((tensor) => {
      expect(tensor.has(9)).toBe(false);
      expect(tensor.get(14)).toEqual([1]);
      return Object.fromEntries(messages(tensor, 13).map((entry) => [text(entry, 1), text(entry, 2)]));
    });
    expect(places).toEqual([
      { location: 'model.onnx_data', offset: '0', length: '24' },
      { location: 'model.onnx_data', offset: '4096', length: '4' },
    ]);
    expect(data.length).toBe(4100);
    expect([...data.subarray(4096)]).toEqual([0, 60, 0, 64]);
  });

  test('weights that are longer or shorter than they say leave the old files', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 12 }), fc.boolean(), async (count, external) => {
        fc.pre(count !== 6);
        writeFileSync(path, 'before');
        const graph = new OnnxGraph();
        const values = async function* () {
          yield new Float32Array(count);
        };
        graph.weight('w', () => ({ dtype: 'F32', shape: [2, 3], values }));
        await expect(writeOnnx(path, graph, external ? { maxInlineBytes: 0 } : {})).rejects.toMatchObject({
          code: 'INVALID_TENSOR',
          message: expect.stringContaining('[2, 3]') as string,
        });
        expect(readdirSync(folder)).toEqual(['model.onnx']);
        expect(readFileSync(path, 'utf8')).toBe('before');
      }),
    );
  });
});

describe('an adapter', () => {
  test('is a FlatBuffer of its kind, its values on places of 8', async () => {
    const values = Float32Array.of(1.5, -2, 3.25);
    const tensor = (shape: readonly number[]) => ({
      dtype: 'F32' as const,
      shape,
      data: new Uint8Array(values.buffer),
    });
    await writeOnnxAdapter(
      path,
      new Map([
        ['a.lora_A.weight', tensor([3, 1])],
        ['a.lora_B.weight', tensor([1, 3])],
      ]),
    );
    const bytes = readFileSync(path);
    expect(bytes.subarray(4, 8).toString()).toBe('TORT');
    const first = bytes.indexOf(Buffer.from(values.buffer));
    const second = bytes.indexOf(Buffer.from(values.buffer), first + 1);
    expect([first % 8, second % 8]).toEqual([0, 0]);
    expect([bytes.readUInt32LE(first - 4), bytes.readUInt32LE(second - 4)]).toEqual([12, 12]);
    expect(bytes.includes('a.lora_A.weight')).toBe(true);
  });

  test('of bytes that do not fit is not written', async () => {
    const data = new Uint8Array(8);
    await expect(writeOnnxAdapter(path, new Map([['w', { dtype: 'F32', shape: [3], data }]]))).rejects.toMatchObject({
      code: 'INVALID_TENSOR',
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
