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
    ...(['BF16', 'F16'] as const).map((type) => lostIn(type, moving, all)),
  ].filter((each) => each !== undefined);
}

type Moving = Readonly<Record<'update' | 'merged', Readonly<Record<RoundedType, number>>>> & {
  readonly path: string;
  readonly movement: number;
};

/** Of a merge into that type: the adapter's own path is fp32. */
function lostIn(type: 'BF16' | 'F16', layers: readonly Moving[], all: number): AnalysisWarning | undefined {
  const lost = layers.filter(({ merged }) => merged[type] < lostBelow);
  return warning('LOST_IN_ROUNDING', paths(lost), (which) => {
    const of = (figure: (layer: Moving) => number, format: (value: number) => string) =>
      range(lost.map(figure), format);
    return (
      `Merged into ${type}, the weights of ${which(all)} are nearly those that the identity would give: the activation moves ΔW by ` +
      `${of(({ movement }) => movement, scientific)} of its size, and ${of(({ merged }) => merged[type], percent)} of the elements of W + ΔW differ ` +
      `(of ΔW computed in ${type}, ${of(({ update }) => update[type], percent)}). Merge into F32, or keep the adapter beside its base.`
    );
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
