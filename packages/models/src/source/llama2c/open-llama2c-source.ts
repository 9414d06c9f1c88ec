/** A llama2.c checkpoint and its tokenizer as a model in Hugging Face's terms. */
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Llama2cFile, openLlama2c, readLlama2cTokenizer } from '@loran/formats';
import { ModelError } from '../../model-error.js';
import type { ModelSource } from '../../model-family.js';
import { buildTokenizer } from '../../tokenizer/build-tokenizer.js';
import { sentencePieceBpe } from '../../tokenizer/sentencepiece-bpe.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { type Adaptation, adaptedFile } from '../adapted-file.js';
import { halvesFromPairs } from '../row-order.js';

/** The tokenizer is looked for beside it: tok{vocabulary}.bin or tokenizer.bin. Throws TOKENIZER_NOT_FOUND, and what the readers throw. */
export async function openLlama2cSource(path: string): Promise<ModelSource> {
  const file = await openLlama2c(path);
  try {
    const { header } = file;
    return {
      name: path,
      config: {
        model_type: 'llama',
        architectures: ['LlamaForCausalLM'],
        vocab_size: header.vocabularySize,
        hidden_size: header.width,
        intermediate_size: header.hiddenWidth,
        num_hidden_layers: header.layers,
        num_attention_heads: header.heads,
        num_key_value_heads: header.keyValueHeads,
        max_position_embeddings: header.sequenceLength,
        rms_norm_eps: 1e-5,
        rope_theta: 10000,
        tie_word_embeddings: header.tied,
        bos_token_id: 1,
        eos_token_id: [1, 2], // the begin of the next text ends one as well
      },
      weights: adaptedFile(file, tensorsOf(file)),
      tokenizer: await tokenizerBeside(path, header.vocabularySize),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const layerNames: Readonly<Record<string, string>> = {
  rms_att: 'input_layernorm',
  wq: 'self_attn.q_proj',
  wk: 'self_attn.k_proj',
  wv: 'self_attn.v_proj',
  wo: 'self_attn.o_proj',
  rms_ffn: 'post_attention_layernorm',
  w1: 'mlp.gate_proj',
  w2: 'mlp.down_proj',
  w3: 'mlp.up_proj',
};

/** llama2.c turns neighbouring features, so the rows of q and k stand in pairs. */
function tensorsOf({ tensors, header }: Llama2cFile): ReadonlyMap<string, Adaptation> {
  const rows = halvesFromPairs(header.width / header.heads);
  const adapted = new Map<string, Adaptation>([
    ['model.embed_tokens.weight', { stored: 'token_embedding' }],
    ['model.norm.weight', { stored: 'rms_final' }],
    ...(header.tied ? [] : [['lm_head.weight', { stored: 'wcls' }] as const]),
  ]);
  for (const stored of tensors.keys()) {
    const [, layer, name = ''] = /^layers\.(\d+)\.(.*)$/.exec(stored) ?? [];
    const module = layerNames[name];
    if (layer === undefined || module === undefined) continue;
    const turned = name === 'wq' || name === 'wk' ? { rows } : {};
    adapted.set(`model.layers.${layer}.${module}.weight`, { stored, ...turned });
  }
  return adapted;
}

async function tokenizerBeside(path: string, size: number): Promise<Tokenizer> {
  const folder = dirname(path);
  const names = [`tok${size}.bin`, 'tokenizer.bin'];
  const entries = await fs.readdir(folder);
  const name = names.find((one) => entries.includes(one));
  if (name === undefined) {
    throw new ModelError(
      'TOKENIZER_NOT_FOUND',
      `${folder} has neither ${names.join(' nor ')} for ${path}. Put llama2.c's tokenizer beside the checkpoint.`,
    );
  }
  const file = join(folder, name);
  const { tokens, scores } = readLlama2cTokenizer(await fs.readFile(file), file);
  if (tokens.length !== size) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${file} has ${tokens.length} tokens, but ${path} is for ${size}. It is another model's tokenizer.`,
    );
  }
  const special = ['<unk>', '<s>', '</s>']; // written with line breaks around in the file
  const { description } = sentencePieceBpe({
    tokens: [...special, ...tokens.slice(3).map((token) => token.replaceAll(' ', '▁'))],
    scores,
    apart: new Set(tokens.flatMap((token, id) => (id < 3 || /^<0x[0-9A-F]{2}>$/.test(token) ? [id] : []))),
    special: [0, 1, 2],
    unkId: 0,
    bosId: 1,
    prefixSpace: true,
  });
  return buildTokenizer({
    name: file,
    description,
    config: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
  });
}
