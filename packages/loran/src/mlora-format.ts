/**
 * LoRAN in the files of its authors' code, a fork of PEFT 0.4 (Li et al., Findings of EMNLP 2024): `peft_type: "MLORA"`.
 *
 *   X.mlora_A [r₀, r₁]   X.mlora_B [out, r₀]   X.mlora_P_i [rᵢ, rᵢ₊₁]   X.mlora_b_i [rᵢ₊₁, 1]     i from 1, the last width is in
 *   X.mlora_embedding_A, …                                                                        of an embedding; no `.weight` anywhere
 *
 * `r` lists r₀ and the widths behind it: f is applied once for each of these. Without P their code asks that all of them are the sizes of a square
 * weight; there they say nothing here, since without P nothing has those widths.
 */
import type { AdapterFormat, TargetFacts } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { LoranConfig } from './loran-config.js';
import { fromMlora, mloraDefaults, toMlora } from './mlora-activation.js';

type Fields = Readonly<Record<string, unknown>>;

export const mloraFormat: AdapterFormat<LoranConfig> = {
  name: 'mlora',
  peftType: 'MLORA',
  suffixes: {
    get(parameter) {
      const [, embedding, factor, step, index] = /^(embedding)?(?:([AB])|([Pb])(\d+))$/.exec(parameter) ?? [];
      const start = embedding === undefined ? 'mlora_' : 'mlora_embedding_';
      if (factor !== undefined) return `${start}${factor}`;
      return step === undefined ? undefined : `${start}${step}_${index!}`;
    },
  },

  toFile(config, targets) {
    const { rank, alpha, dropout, projections, biases } = config;
    const activation = toMlora(config.activation);
    const problem =
      problemOf(config) ??
      (activation === undefined ? 'its activation is none of theirs, or has trained parameters' : undefined);
    if (problem !== undefined || activation === undefined) throw notInFormat(problem!);
    return {
      r: [rank, ...(projections.length > 0 ? projections : squareWidths(config, targets))],
      mlora_alpha: alpha,
      mlora_dropout: dropout,
      mlora_af: activation.name,
      mlora_af_sin_A: activation.amplitude,
      mlora_af_sin_omega: activation.frequency,
      mlora_use_P: projections.length > 0,
      mlora_use_b: biases,
      init_mlora_weights: true,
      bias: 'none',
      fan_in_fan_out: targets.conv1d,
    };
  },

  fromFile(fields) {
    const [rank, ...widths] = ranksOf(fields.r);
    const { bias } = fields;
    if (bias !== undefined && bias !== null && bias !== 'none') {
      throw new LoranError(
        'UNSUPPORTED_PEFT_FEATURE',
        `adapter_config.json has "bias": ${JSON.stringify(bias)}, which asks for trained biases of the base; @loran/loran does not compute that. Train the adapter with "none".`,
      );
    }
    const usesP = flag(fields, 'mlora_use_P');
    return {
      rank,
      alpha: fields.mlora_alpha ?? 8,
      dropout: fields.mlora_dropout ?? undefined,
      activation: fromMlora({
        name: text(fields.mlora_af) ?? mloraDefaults.name,
        amplitude: number(fields, 'mlora_af_sin_A') ?? mloraDefaults.amplitude,
        frequency: number(fields, 'mlora_af_sin_omega') ?? mloraDefaults.frequency,
      }),
      ...(usesP ? { projections: widths } : { depth: widths.length }),
      biases: flag(fields, 'mlora_use_b'),
    };
  },
};

/** What of a configuration their code has no field for. */
function problemOf({ scaling, rankPattern, alphaPattern, activationPattern }: LoranConfig): string | undefined {
  if (scaling !== 'rank') return `its scaling is '${scaling}', theirs is alpha / rank`;
  const patterns = { rankPattern, alphaPattern, activationPattern };
  const used = Object.entries(patterns).find(([, pattern]) => Object.keys(pattern).length > 0);
  return used === undefined ? undefined : `it has ${used[0]}, theirs one setting for all modules`;
}

/** The widths that their code asks for without P: the one size of the weights, which must be square. */
function squareWidths({ depth }: LoranConfig, { layers }: TargetFacts): number[] {
  const sizes = new Set<number>();
  for (const [path, { parameters }] of layers) {
    const A = parameters.get('A') ?? parameters.get('embeddingA'); // [r, in]
    const B = parameters.get('B') ?? parameters.get('embeddingB'); // [out, r]
    const [width, rows] = [A!.shape[1]!, B!.shape[0]!];
    if (width !== rows)
      throw notInFormat(
        `without projections they compute square weights only, and that of '${path}' has ${width} inputs and ${rows} outputs`,
      );
    sizes.add(width);
  }
  const [size, other] = sizes;
  if (size === undefined || other !== undefined) {
    throw notInFormat(
      `without projections they compute weights of one size only, and these have ${[...sizes].join(' and ') || 'none'}`,
    );
  }
  return Array.from({ length: depth }, () => size);
}

const notInFormat = (problem: string): LoranError =>
  new LoranError(
    'NOT_IN_FORMAT',
    `The adapter cannot be written for the authors' code (mlora): ${problem}. Save it in its own format, or merge it.`,
  );

function ranksOf(value: unknown): number[] {
  if (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((rank) => Number.isSafeInteger(rank) && (rank as number) > 0)
  ) {
    return value as number[];
  }
  throw invalid(
    'r',
    value,
    'a list of two or more whole numbers: the rank, and a width for each application of the activation',
  );
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name] ?? true; // the default of their class
  if (typeof value === 'boolean') return value;
  throw invalid(name, value, 'true or false');
}

function number(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw invalid(name, value, 'a number');
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw invalid('mlora_af', value, 'the name of an activation');
}

const invalid = (field: string, value: unknown, expected: string): LoranError =>
  new LoranError(
    'INVALID_ADAPTER_CONFIG',
    `adapter_config.json: field '${field}' is ${value === undefined ? 'missing' : JSON.stringify(value)}; expected ${expected}.`,
  );
