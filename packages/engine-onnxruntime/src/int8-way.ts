/** Which way of multiplying 8-bit numbers is exact on this processor and runtime. */
import { int8MatMul, type Int8Way, int8Probe } from './kernels/int8-product.js';
import { GraphBuilder } from './onnx/graph-builder.js';
import type { Model } from './worker/protocol.js';

/** `refusal` runs a model, and gives the reason why it cannot; null where it can. `multiply`: the product that is tried. */
export async function chooseInt8Way(
  refusal: (model: Model) => Promise<string | null>,
  multiply: typeof int8MatMul = int8MatMul,
): Promise<Int8Way> {
  for (const way of ['signed', 'unsigned'] as const) {
    const graph = new GraphBuilder();
    const output = graph.output(int8Probe(graph, way, multiply));
    const model = { bytes: graph.model(), inputs: [], outputs: [output.name] };
    if ((await refusal(model)) === null) return way;
  }
  return 'float32';
}

/** What to say of it, when it matters; nothing of the fastest way. */
export const int8Notice: Readonly<Record<Int8Way, string | undefined>> = {
  signed: undefined,
  unsigned:
    'loran: products of int8 and uint8 saturate on this processor (no VNNI instructions): int8 weights are multiplied as unsigned bytes, exactly and more slowly.',
  float32: 'loran: this device has no exact product of 8-bit numbers: int8 weights are multiplied in fp32.',
};
