/** What the encoders of BERT's shape differ in, and the modules that follow from it. */
import type { LinearSpec, ModuleSpec } from '../checkpoint/module-spec.js';
import type { HiddenActivation } from '../layers/hidden-activation.js';

/** Paths of a layer's modules, below the layer's own. */
export interface LayerNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly intermediate: string;
  readonly output: string;
  readonly outputNorm: string;
}

/** What makes scores of a text's first state: out(dropout(f(dense(dropout(x))))). */
export interface EncoderHead {
  readonly dense: {
    readonly path: string;
    readonly activation: 'tanh' | 'relu';
    /** Of x, before it. */
    readonly dropout: number;
    /** Whether it belongs to the encoder and comes from its checkpoint (BERT's pooler), or is new with a new head. */
    readonly pretrained: boolean;
  };
  readonly out: string;
  readonly dropout: number;
  /** The names by which PEFT saves it. */
  readonly modules: readonly string[];
}

export interface EncoderFacts {
  readonly family: string;
  /** Prefix of the encoder in a model with a head: 'bert.'. */
  readonly prefix: string;
  readonly vocabulary: number;
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly layers: number;
  /** Rows of the position embedding. */
  readonly positions: number;
  /** Positions count tokens from here, following the mask (RoBERTa); none: from 0, by columns. */
  readonly firstPosition?: number;
  /** Rows of the token type embedding; none: it has no such embedding. */
  readonly tokenTypes?: number;
  readonly epsilon: number;
  readonly activation: HiddenActivation;
  /** Of the embeddings, of attention's output, of attention's weights, of the feed-forward's output. */
  readonly dropout: {
    readonly embeddings: number;
    readonly attentionOutput: number;
    readonly attention: number;
    readonly output: number;
  };
  /** Path of a layer, below the prefix. */
  readonly layerPath: (n: number) => string;
  readonly names: LayerNames;
  readonly head: EncoderHead;
  readonly targetModules: readonly string[];
}

/** Most tokens of one text. */
export const maxLengthOf = ({ positions, firstPosition = 0 }: EncoderFacts): number => positions - firstPosition;

/** The encoder's modules under `root`: the prefix, or nothing for the model without a head. */
export function encoderModules(facts: EncoderFacts, root: string): ModuleSpec[] {
  const { width, inner, names, epsilon } = facts;
  const embedding = (name: string, rows: number): ModuleSpec => ({
    kind: 'embedding',
    path: `${root}embeddings.${name}`,
    rows,
    columns: width,
  });
  const norm = (path: string): ModuleSpec => ({ kind: 'layer-norm', path, size: width, epsilon });
  const layer = (path: string): ModuleSpec[] => [
    ...[names.query, names.key, names.value, names.attentionOutput].map((name) =>
      linearSpec(`${path}.${name}`, width, width),
    ),
    norm(`${path}.${names.attentionNorm}`),
    linearSpec(`${path}.${names.intermediate}`, inner, width),
    linearSpec(`${path}.${names.output}`, width, inner),
    norm(`${path}.${names.outputNorm}`),
  ];
  return [
    embedding('word_embeddings', facts.vocabulary),
    embedding('position_embeddings', facts.positions),
    ...(facts.tokenTypes === undefined ? [] : [embedding('token_type_embeddings', facts.tokenTypes)]),
    norm(`${root}embeddings.LayerNorm`),
    ...Array.from({ length: facts.layers }, (_, n) => layer(`${root}${facts.layerPath(n)}`)).flat(),
  ];
}

export const linearSpec = (path: string, rows: number, columns: number): LinearSpec => ({
  kind: 'linear',
  path,
  rows,
  columns,
  bias: true,
});

/** Names under which a tensor may be stored: with the prefix or without, and TensorFlow's gamma and beta. */
export const storedNames =
  ({ prefix }: EncoderFacts) =>
  (name: string): readonly string[] => {
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return [name, bare, `${prefix}${bare}`].flatMap((candidate) => [
      candidate,
      candidate.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
    ]);
  };
