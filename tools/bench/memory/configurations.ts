/** The trainings whose memory is predicted and measured: SmolLM2's shape at several depths, with random weights, and MiniLM. */
import type { TaskName } from '@loran/experiments';

export interface Configuration {
  readonly name: string;
  /** Of config.json. */
  readonly model: Readonly<Record<string, unknown>>;
  readonly task: TaskName;
  readonly base: string;
  readonly method: string;
  readonly rank: number;
  readonly dropout?: number;
  readonly targetModules?: string;
  readonly optimizer: 'adamw' | 'adamw-8bit';
  readonly batchSize: number;
  readonly maxLength: number;
}

const smollm2 = (layers: number) => ({
  ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', rms_norm_eps: 1e-5 },
  ...{ hidden_size: 576, intermediate_size: 1536, num_hidden_layers: layers, num_attention_heads: 9 },
  ...{ num_key_value_heads: 3, vocab_size: 49152, max_position_embeddings: 8192, tie_word_embeddings: true },
});

const minilm = {
  ...{
    architectures: ['BertModel'],
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: 384,
    intermediate_size: 1536,
  },
  ...{
    num_hidden_layers: 6,
    num_attention_heads: 12,
    vocab_size: 30522,
    max_position_embeddings: 512,
    type_vocab_size: 2,
  },
};

const decoder = (
  layers: number,
  [base, method]: readonly [base: string, method: string],
  [batchSize, maxLength]: readonly [batchSize: number, maxLength: number],
  more: Partial<Configuration> = {},
): Configuration => ({
  name: `SmolLM2, ${layers} layers`,
  ...{ model: smollm2(layers), task: 'language-model', base, method, batchSize, maxLength },
  ...{ rank: 8, optimizer: 'adamw', ...more },
});

const classifier = (base: string, [batchSize, maxLength]: readonly [number, number]): Configuration => ({
  ...{ name: 'MiniLM', model: minilm, task: 'classification', base, method: 'lora', rank: 8, optimizer: 'adamw' },
  ...{ batchSize, maxLength },
});

export const configurations: readonly Configuration[] = [
  decoder(6, ['fp32', 'lora'], [1, 128]),
  decoder(6, ['fp32', 'lora'], [4, 256]),
  decoder(6, ['bf16', 'lora'], [4, 128]),
  decoder(6, ['nf4', 'lora'], [2, 256]),
  decoder(6, ['nf4', 'loran'], [4, 128]),
  decoder(6, ['fp32', 'loran'], [2, 128], { dropout: 0.1 }),
  decoder(6, ['fp32', 'lora'], [1, 512]),
  decoder(6, ['fp32', 'lora'], [2, 128], { rank: 64, targetModules: 'all-linear' }),
  decoder(6, ['fp32', 'lora'], [2, 128], { rank: 64, targetModules: 'all-linear', optimizer: 'adamw-8bit' }),
  decoder(30, ['fp32', 'lora'], [2, 128]),
  decoder(30, ['nf4', 'lora'], [2, 256]),
  decoder(30, ['bf16', 'loran'], [1, 128]),
  classifier('fp32', [32, 128]),
  classifier('nf4', [16, 64]),
];
