/**
 * What in an analysis should make its reader stop: updates that are not finite or zero, and a nonlinearity that is none in practice,
 * because its constants are too small or because the numbers are rounded to a type that cannot show them.
 */
import type { LayerAnalysis } from './analyse-adapter.js';
import type { RoundedType } from './nonlinearity.js';

export interface AnalysisWarning {
  readonly code: 'NON_FINITE' | 'NO_UPDATE' | 'IDENTITY' | 'LOST_IN_ROUNDING';
  /** Paths of the layers that it is about. */
  readonly layers: readonly string[];
  readonly message: string;
}

/** Half the distance of 1 to the next number of fp32: a smaller relative movement rounds to none. */
const fp32Resolution = 2 ** -24;

/** f counts as lost where fewer elements than this differ from what the identity gives. */
const lostBelow = 0.1;

export function analysisWarnings(layers: readonly LayerAnalysis[]): AnalysisWarning[] {
  const all = layers.length;
  const moved = layers.flatMap(({ path, nonlinearity }) =>
    nonlinearity?.movement == null ? [] : [{ path, movement: nonlinearity.movement, ...nonlinearity.differing }],
  );
  const still = moved.filter(({ movement }) => movement < fp32Resolution);
  const moving = moved.filter((layer) => !still.includes(layer));
  const lost = (['BF16', 'F16'] as const).flatMap((type) => [
    lostIn(type, 'merged', moving, all),
    lostIn(type, 'update', moving, all),
  ]);
  return [
    warning('NON_FINITE', paths(layers.filter(({ finite }) => !finite)), (which) => {
      return `The update of ${which(all)} holds NaN or infinite values: the adapter has diverged.`;
    }),
    warning('NO_UPDATE', paths(layers.filter(({ update }) => update?.norm === 0)), (which) => {
      return `The update of ${which(all)} is 0: it was not trained, or no gradient reached it.`;
    }),
    warning('IDENTITY', paths(still), (which) => {
      const most = Math.max(...still.map(({ movement }) => movement));
      return `The activation is the identity in practice in ${which(all)}: it moves the update by ${scientific(most)} of its size at most, below what fp32 can hold (2⁻²⁴ = ${scientific(fp32Resolution)}). Larger constants, or LoRA, which is cheaper.`;
    }),
    ...lost,
  ].filter((each) => each !== undefined);
}

type Moving = Readonly<Record<'update' | 'merged', Readonly<Record<RoundedType, number>>>> & {
  readonly path: string;
  readonly movement: number;
};

function lostIn(
  type: 'BF16' | 'F16',
  place: 'update' | 'merged',
  layers: readonly Moving[],
  all: number,
): AnalysisWarning | undefined {
  const lost = layers.filter((layer) => layer[place][type] < lostBelow);
  return warning('LOST_IN_ROUNDING', paths(lost), (which) => {
    const shares = lost.map((layer) => layer[place][type]);
    const movements = lost.map(({ movement }) => movement);
    const numbers = `the activation moves the update by ${range(movements, scientific)} of its size, and ${range(shares, percent)} of the elements`;
    return place === 'merged'
      ? `Merged into ${type}, W + ΔW of ${which(all)} is nearly what the identity would give: ${numbers} differ from it. Merge into F32, or keep the adapter beside its base.`
      : `Computed in ${type}, ΔW of ${which(all)} is nearly that of the identity: ${numbers} differ from it. Keep the adapter's path in fp32, as it is here.`;
  });
}

function warning(
  code: AnalysisWarning['code'],
  layers: readonly string[],
  message: (which: (all: number) => string) => string,
): AnalysisWarning | undefined {
  if (layers.length === 0) return undefined;
  const which = (all: number) => {
    if (layers.length === all) return all === 1 ? layers[0]! : `all ${all} layers`;
    return layers.length <= 3 ? layers.join(', ') : `${layers.length} of ${all} layers, such as ${layers[0]!}`;
  };
  return { code, layers, message: message(which) };
}

const paths = (layers: readonly { readonly path: string }[]): string[] => layers.map(({ path }) => path);

const scientific = (value: number): string => (value === 0 ? '0' : value.toExponential(1));
const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;

function range(values: readonly number[], format: (value: number) => string): string {
  const [low, high] = [format(Math.min(...values)), format(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}
