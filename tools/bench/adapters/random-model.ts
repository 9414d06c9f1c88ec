/** A Llama of any sizes with random weights, loaded as one from a folder is: only its shapes matter to its timing. */
import type { BaseStorage } from '@loran/adapter';
import type { TensorFile, TensorInfo } from '@loran/formats';
import { llama, type LanguageModel, type Tokenizer } from '@loran/models';
import type { Shape } from './shape.js';

export async function randomModel(shape: Shape, base: BaseStorage): Promise<LanguageModel> {
  const config = {
    model_type: 'llama',
    hidden_size: shape.width,
    intermediate_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyHeads,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.time,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  };
  const tokenizer = {} as Tokenizer; // no text is met
  const model = await llama.languageModel?.(
    { name: 'random', config, weights: randomWeights(shape), tokenizer },
    { base },
  );
  if (model === undefined) throw new Error('The Llama family makes no language model.');
  return model;
}

function randomWeights({ layers, width, heads, keyHeads, hidden, vocabulary }: Shape): TensorFile {
  const keys = (keyHeads * width) / heads;
  const layer = (n: number): [string, number[]][] =>
    (
      [
        ['input_layernorm', [width]],
        ['self_attn.q_proj', [width, width]],
        ['self_attn.k_proj', [keys, width]],
        ['self_attn.v_proj', [keys, width]],
        ['self_attn.o_proj', [width, width]],
        ['post_attention_layernorm', [width]],
        ['mlp.gate_proj', [hidden, width]],
        ['mlp.up_proj', [hidden, width]],
        ['mlp.down_proj', [width, hidden]],
      ] as const
    ).map(([name, shape]) => [`model.layers.${n}.${name}.weight`, [...shape]]);
  const shapes = new Map<string, number[]>([
    ['model.embed_tokens.weight', [vocabulary, width]],
    ['model.norm.weight', [width]],
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
  ]);
  const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  const tensors = new Map<string, TensorInfo>(
    [...shapes].map(([name, shape]) => [name, { dtype: 'F32', shape, byteLength: 4 * size(shape) }]),
  );
  const bytes = (name: string): Float32Array => {
    const shape = shapes.get(name) ?? [];
    const limit = shape.length === 1 ? 0 : Math.sqrt(3 / (shape.at(-1) ?? 1)); // variance 1/columns; norms are 1
    return uniform(size(shape), limit, shape.length === 1 ? 1 : 0);
  };
  return {
    name: 'random',
    tensors,
    metadata: new Map(),
    read: (name) => {
      const { shape } = tensors.get(name) as TensorInfo;
      return Promise.resolve({ dtype: 'F32', shape, data: new Uint8Array(bytes(name).buffer) });
    },
    async *values(name) {
      yield await Promise.resolve(bytes(name));
    },
    close: () => Promise.resolve(),
  };
}

/** Uniform around `middle`, within `limit`. */
function uniform(length: number, limit: number, middle: number): Float32Array {
  let state = (length % 0x7fffffff) + 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13; // xorshift32 (Marsaglia 2003)
    state ^= state >>> 17;
    state ^= state << 5;
    return middle + (state / 2 ** 31) * limit;
  });
}
