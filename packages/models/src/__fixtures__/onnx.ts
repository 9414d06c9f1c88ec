/** Running what was written as ONNX in ONNX Runtime itself. */
import { readFileSync } from 'node:fs';
import { ByteBuffer } from 'flatbuffers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { padded } from './decoders.js';

type Rows = number[][];
type Values = Readonly<Record<string, Tensor>>;

export class OnnxModel {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(file: string): Promise<OnnxModel> {
    return new OnnxModel(await InferenceSession.create(file, { intraOpNumThreads: 1 }));
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  /** `keys`: heads and width of the keys and values of a text that has none yet. */
  run(inputs: Values, keys?: readonly [heads: number, width: number]): Promise<Values> {
    const batch = inputs['input_ids']!.dims[0]!;
    const past = this.inputs.filter((name) => name.startsWith('past_key_values.') && !(name in inputs));
    const empty = Object.fromEntries(
      past.map((name) => [name, new Tensor('float32', [], [batch, keys![0], 0, keys![1]])]),
    );
    return this.#session.run({ ...inputs, ...empty });
  }

  /** Tokens that follow texts padded on the left, the most probable one each time. */
  async greedy(texts: Rows, count: number, keys: readonly [number, number]): Promise<Rows> {
    let mask = padded(
      texts.map((text) => text.map(() => 1)),
      'left',
      0,
    );
    let given: Values = { input_ids: int64(padded(texts, 'left', 0)), attention_mask: int64(mask) };
    const continued: Rows = texts.map(() => []);
    for (let step = 0; step < count; step++) {
      const outputs = await this.run(given, keys);
      const { data, dims } = outputs['logits']!;
      const [, time = 0, vocabulary = 0] = dims;
      const next = texts.map((_, row) => {
        const start = ((row + 1) * time - 1) * vocabulary;
        const scores = (data as Float32Array).subarray(start, start + vocabulary);
        return scores.indexOf(Math.max(...scores));
      });
      next.forEach((id, row) => continued[row]!.push(id));
      mask = mask.map((row) => [...row, 1]);
      const past = Object.entries(outputs).filter(([name]) => name.startsWith('present.'));
      given = {
        input_ids: int64(next.map((id) => [id])),
        attention_mask: int64(mask),
        ...Object.fromEntries(past.map(([name, value]) => [name.replace('present', 'past_key_values'), value])),
      };
    }
    return continued;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

export function int64(rows: Rows): Tensor {
  return new Tensor('int64', BigInt64Array.from(rows.flat().map(BigInt)), [rows.length, rows[0]!.length]);
}

/** The tensors of an .onnx_adapter file, by the schema that stands in ONNX Runtime's source. */
export function readOnnxAdapter(file: string): ReadonlyMap<string, Tensor> {
  const bytes = new ByteBuffer(new Uint8Array(readFileSync(file)));
  if (!bytes.__has_identifier('TORT')) throw new Error(`${file} is no adapter.`);
  const root = bytes.readInt32(bytes.position()) + bytes.position();
  const list = root + bytes.__offset(root, 10);
  const start = bytes.__vector(list);
  return new Map(
    Array.from({ length: bytes.__vector_len(list) }, (_, i) => {
      const table = bytes.__indirect(start + 4 * i);
      const field = (n: number) => table + bytes.__offset(table, 4 + 2 * n);
      const sizes = field(1);
      const shape = Array.from({ length: bytes.__vector_len(sizes) }, (_, n) =>
        Number(bytes.readInt64(bytes.__vector(sizes) + 8 * n)),
      );
      const data = bytes.__vector(field(3));
      if (data % 8 !== 0) throw new Error('The values are not aligned.');
      const values = new Float32Array(bytes.bytes().slice(data, data + bytes.__vector_len(field(3))).buffer);
      return [String(bytes.__string(field(0))), new Tensor('float32', values, shape)];
    }),
  );
}
