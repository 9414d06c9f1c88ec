/**
 * The metadata of a model as llama.cpp's converter writes them, by architecture, without the architecture's name before the key.
 * What llama.cpp computes otherwise is refused when it changes every result, and warned of when it changes long texts alone.
 */
import type { GgufValue } from '@loran/formats';
import { rotaryFrequencies, type RotaryOptions } from '../../layers/rotary/frequencies.js';
import type { ModelFacts } from './model-facts.js';

export interface WrittenFields {
  readonly fields: readonly (readonly [string, GgufValue])[];
  readonly warnings: readonly string[];
  /** Of `rope_freqs.weight`. */
  readonly ropeFactors?: Float32Array;
}

export const uint = (value: number): GgufValue => ({ type: 'uint32', value });
export const float = (value: number): GgufValue => ({ type: 'float32', value });
export const text = (value: string): GgufValue => ({ type: 'string', value });

/** Llama, and its relatives where `use_sliding_window` says so. */
export function llamaFields(facts: ModelFacts): WrittenFields {
  return withWindow(facts, facts.config['use_sliding_window'] === true);
}

/** Every token sees a window, where there is one. */
export function mistralFields(facts: ModelFacts): WrittenFields {
  return withWindow(facts, facts.config['use_sliding_window'] !== false);
}

export function qwen3Fields(facts: ModelFacts): WrittenFields {
  if (facts.hasBias('q_proj')) facts.refuse('its attention has biases');
  return llamaFields(facts);
}

export function gemma2Fields(facts: ModelFacts): WrittenFields {
  expectGemma(facts, 46);
  const cap = facts.config['attn_logit_softcapping'];
  if (cap === null) facts.refuse('attn_logit_softcapping is null');
  if (expectLayers(facts, 2) !== 2) refuseLayers(facts);
  const rotary = rotaryFields(facts, facts.rotary());
  return {
    ...rotary,
    fields: [
      ...rotary.fields,
      ['attn_logit_softcapping', float(facts.numberOr('attn_logit_softcapping') ?? 50)],
      ...capOf(facts, facts.numberOr('final_logit_softcapping') ?? 30),
      ['attention.sliding_window', uint(facts.numberOr('sliding_window') ?? 4096)],
    ],
  };
}

const gemma3Pattern = 6;

export function gemma3Fields(facts: ModelFacts): WrittenFields {
  expectGemma(facts, 62);
  if (facts.numberOr('attn_logit_softcapping') !== undefined) facts.refuse('attention scores are capped');
  const rotary = rotaryFields(facts, facts.rotary('full_attention', 1e6));
  const byKind = facts.config['rope_parameters'] as Readonly<Record<string, unknown>> | null | undefined;
  const local =
    byKind?.['sliding_attention'] === undefined
      ? facts.numberOr('rope_local_base_freq')
      : facts.rotary('sliding_attention').base;
  const pattern = expectLayers(facts, facts.numberOr('sliding_window_pattern') ?? gemma3Pattern);
  return {
    ...rotary,
    fields: [
      ...rotary.fields,
      ['rope.freq_base_swa', float(local ?? 10000)],
      ...capOf(facts, facts.numberOr('final_logit_softcapping')),
      ['attention.sliding_window', uint(facts.numberOr('sliding_window') ?? 4096)],
      ...(pattern === gemma3Pattern ? [] : [['attention.sliding_window_pattern', uint(pattern)] as const]),
    ],
    warnings: [
      ...rotary.warnings,
      ...(pattern === gemma3Pattern
        ? []
        : [`Every ${pattern}th layer sees the whole text; llama.cpp may take every ${gemma3Pattern}th.`]),
    ],
  };
}

export function gpt2Fields(facts: ModelFacts): WrittenFields {
  expectActivation(facts, ['gelu_new', 'gelu_pytorch_tanh'], 'activation_function');
  if (facts.config['scale_attn_by_inverse_layer_idx'] === true) facts.refuse('attention is scaled by the layer');
  if (facts.config['scale_attn_weights'] === false) facts.refuse('attention is not scaled');
  return {
    fields: [
      ...sizeFields(facts),
      ['attention.layer_norm_epsilon', float(facts.epsilon)],
      ['vocab_size', uint(facts.vocabulary)],
    ],
    warnings: [],
  };
}

export const sizeFields = (facts: ModelFacts): [string, GgufValue][] => [
  ['block_count', uint(facts.layers)],
  ['context_length', uint(facts.maxLength)],
  ['embedding_length', uint(facts.width)],
  ['feed_forward_length', uint(facts.inner)],
  ['attention.head_count', uint(facts.heads)],
];

function rotaryFields(facts: ModelFacts, rotary: RotaryOptions): WrittenFields {
  const { headWidth } = facts;
  return {
    fields: [
      ...sizeFields(facts),
      ['attention.head_count_kv', uint(facts.keyHeads)],
      ['rope.freq_base', float(rotary.base)],
      ['attention.layer_norm_rms_epsilon', float(facts.epsilon)],
      ['attention.key_length', uint(headWidth)],
      ['attention.value_length', uint(headWidth)],
      ['vocab_size', uint(facts.vocabulary)],
      ['rope.dimension_count', uint(rotary.width)],
      ...scalingFields(facts, rotary),
    ],
    warnings:
      rotary.scaling?.rope_type === 'dynamic'
        ? [
            `Texts beyond ${rotary.trainedLength} tokens: rotary positions stretch with their length, which llama.cpp does not do.`,
          ]
        : [],
    ...(rotary.scaling?.rope_type === 'llama3' ? { ropeFactors: divisors(rotary) } : {}),
  };
}

function scalingFields(facts: ModelFacts, { scaling, trainedLength }: RotaryOptions): [string, GgufValue][] {
  if (scaling?.rope_type === 'linear') {
    return [
      ['rope.scaling.type', text('linear')],
      ['rope.scaling.factor', float(scaling.factor)],
    ];
  }
  if (scaling?.rope_type !== 'yarn') return [];
  const odd = (['attention_factor', 'mscale', 'mscale_all_dim'] as const).find((field) => scaling[field] != null);
  if (odd !== undefined || scaling.truncate === false) facts.refuse(`YaRN is given with ${odd ?? 'truncate: false'}`);
  return [
    ['rope.scaling.type', text('yarn')],
    ['rope.scaling.factor', float(scaling.factor)],
    ['rope.scaling.original_context_length', uint(scaling.original_max_position_embeddings ?? trainedLength)],
    ...(scaling.beta_fast == null
      ? []
      : [['rope.scaling.yarn_beta_fast', float(scaling.beta_fast)] as [string, GgufValue]]),
    ...(scaling.beta_slow == null
      ? []
      : [['rope.scaling.yarn_beta_slow', float(scaling.beta_slow)] as [string, GgufValue]]),
  ];
}

function divisors(rotary: RotaryOptions): Float32Array {
  const [plain, stretched] = [{ ...rotary, scaling: undefined }, rotary].map(
    (options) => rotaryFrequencies(options, 1).inverse,
  );
  return plain!.map((frequency, i) => frequency / stretched![i]!);
}

function withWindow(facts: ModelFacts, applies: boolean): WrittenFields {
  expectActivation(facts, ['silu', 'swish'], 'hidden_act');
  const written = rotaryFields(facts, facts.rotary());
  const window = applies ? facts.numberOr('sliding_window') : undefined;
  if (window === undefined) return written;
  return {
    ...written,
    warnings: [
      ...written.warnings,
      `Tokens see ${window} before them; llama.cpp shows them the whole text, which matters in longer ones.`,
    ],
  };
}

const capOf = (facts: ModelFacts, cap: number | undefined): [string, GgufValue][] =>
  cap === undefined || facts.config['final_logit_softcapping'] === null
    ? []
    : [['final_logit_softcapping', float(cap)]];

export function expectActivation(facts: ModelFacts, known: readonly [string, ...string[]], field: string): void {
  const given = facts.config[field] ?? known[0];
  if (!known.includes(given as string)) facts.refuse(`its activation is ${JSON.stringify(given)}`);
}

/** llama.cpp scales queries by the head's width, or by its share of the features in the models of 27 B. */
function expectGemma(facts: ModelFacts, layersOf27B: number): void {
  if (facts.hasBias('q_proj')) facts.refuse('its attention has biases');
  expectActivation(facts, ['gelu_pytorch_tanh', 'gelu'], 'hidden_activation');
  const expected = facts.layers === layersOf27B ? facts.width / facts.heads : facts.headWidth;
  const given = facts.numberOr('query_pre_attn_scalar') ?? 256;
  if (given !== expected) facts.refuse(`query_pre_attn_scalar is ${given} where it takes ${expected}`);
}

/** All but every n-th layer slide; `otherwise`: n where config.json lists no layers. Throws NOT_EXPORTABLE for another order. */
function expectLayers(facts: ModelFacts, otherwise: number): number {
  const types = facts.config['layer_types'];
  if (!Array.isArray(types)) return otherwise;
  const isFull = types.map((type) => type !== 'sliding_attention');
  const pattern = isFull.includes(true) ? isFull.indexOf(true) + 1 : types.length + 1;
  const fits = isFull.every((full, i) => full === ((i + 1) % pattern === 0));
  if (!fits) refuseLayers(facts);
  return pattern;
}

function refuseLayers(facts: ModelFacts): never {
  return facts.refuse(`its layers are ${(facts.config['layer_types'] as readonly string[]).join(', ')}`);
}
