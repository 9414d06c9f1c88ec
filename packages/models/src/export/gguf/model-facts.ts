/** The sizes of a model, taken from what was loaded rather than from config.json, whose defaults differ by family. */
import type { EmbeddingSpec, LinearSpec, NormSpec } from '../../checkpoint/module-spec.js';
import { rotaryOf } from '../../decoder/decoder-config.js';
import type { RotaryOptions } from '../../layers/rotary/frequencies.js';
import type { ModelSource } from '../../model-family.js';
import { notExportable } from '../export-error.js';
import type { StoredModel } from '../merged-weights.js';

export class ModelFacts {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly vocabulary: number;
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly epsilon: number;
  readonly maxLength: number;
  /** Rows of a product for queries, keys and values together; 0 where they are apart. */
  readonly fusedRows: number;
  /** Whether layers have a module of that name: 'ln_attn'. */
  readonly hasModule: (ending: string) => boolean;
  /** Whether a linear layer of that name has a bias: 'self_attn.q_proj'. */
  readonly hasBias: (ending: string) => boolean;

  constructor(source: ModelSource, model: StoredModel) {
    const { specs } = model.checkpoint;
    const linear = (...endings: string[]) =>
      specs.find(
        (spec): spec is LinearSpec => spec.kind === 'linear' && endings.some((end) => spec.path.endsWith(`.${end}`)),
      );
    const embedding = specs.find((spec): spec is EmbeddingSpec => spec.kind === 'embedding');
    const norm = specs.find((spec): spec is NormSpec => spec.kind === 'rms-norm' || spec.kind === 'layer-norm');
    const { config } = source;
    this.name = source.name;
    this.config = config;
    this.vocabulary = embedding?.rows ?? 0;
    this.width = embedding?.columns ?? 0;
    this.inner = linear('up_proj', 'c_fc', 'dense_h_to_4h')?.rows ?? 0;
    this.layers = 1 + Math.max(-1, ...specs.flatMap(({ path }) => Number(/\.(\d+)\./.exec(path)?.[1] ?? -1)));
    this.heads = this.number('num_attention_heads', 'n_head');
    const queries = linear('q_proj')?.rows ?? this.width;
    this.headWidth = queries / this.heads;
    this.fusedRows = linear('query_key_value')?.rows ?? 0;
    const fusedKeys = (this.fusedRows - queries) / 2; // beside the queries
    this.keyHeads = (linear('k_proj')?.rows ?? (fusedKeys > 0 ? fusedKeys : queries)) / this.headWidth;
    this.epsilon = norm?.epsilon ?? 1e-5;
    this.maxLength = this.numberOr('max_position_embeddings', 'n_positions') ?? 2048;
    this.hasModule = (ending) => specs.some(({ path }) => path.endsWith(`.${ending}`));
    this.hasBias = (ending) => linear(ending)?.bias === true;
  }

  /** The first of these fields of config.json that is a number. Throws NOT_EXPORTABLE. */
  number(...fields: string[]): number {
    const value = this.numberOr(...fields);
    if (value !== undefined) return value;
    throw notExportable(`${this.name}: config.json says nothing of ${fields.join(' or ')}, which GGUF needs.`);
  }

  numberOr(...fields: string[]): number | undefined {
    return fields.map((field) => this.config[field]).find((value) => typeof value === 'number');
  }

  /** `part`: of rope_parameters by kind of layer, as Gemma 3 has them; `base`: where config.json names none. */
  rotary(part?: string, base?: number): RotaryOptions {
    const given = this.config['rope_parameters'] as Readonly<Record<string, unknown>> | null | undefined;
    const own = part === undefined ? undefined : given?.[part];
    const fields = own === undefined ? this.config : { rope_parameters: own };
    return rotaryOf(this.name, fields, {
      headWidth: this.headWidth,
      maxLength: this.maxLength,
      ...(base === undefined ? {} : { base }),
    });
  }

  /** Throws NOT_EXPORTABLE with what stands in the way. */
  refuse(what: string): never {
    throw notExportable(
      `${this.name}: ${what}, which llama.cpp does not compute. Write a Hugging Face folder instead.`,
    );
  }
}
