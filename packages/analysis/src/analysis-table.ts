/** An analysis as aligned text: a line for each layer, then what to watch out for. */
import type { AdapterAnalysis, LayerAnalysis } from './analyse-adapter.js';

interface Column {
  readonly title: string;
  readonly cell: (layer: LayerAnalysis) => string;
}

const general: readonly Column[] = [
  { title: 'layer', cell: ({ path }) => path },
  { title: 'shape', cell: ({ shape }) => shape.join('×') },
  { title: '‖ΔW‖', cell: ({ update }) => number(update?.norm) },
  { title: '‖ΔW‖/‖W‖', cell: ({ relativeNorm }) => number(relativeNorm) },
  { title: 'σ₁', cell: ({ update }) => number(update?.singularValues[0]) },
  { title: 'stable rank', cell: ({ update }) => rank(update?.stableRank) },
  { title: 'effective rank', cell: ({ update }) => rank(update?.effectiveRank, update?.complete === false ? '≤' : '') },
  { title: 'r', cell: ({ update }) => String(update?.beyondRank.rank ?? '') },
  { title: 'error at r', cell: ({ update }) => number(update?.beyondRank.error) },
];

/** Of layers with a nonlinearity inside. */
const nonlinear: readonly Column[] = [
  { title: 'moved by f', cell: ({ nonlinearity }) => number(nonlinearity?.movement) },
  { title: "mean |f'−1|", cell: ({ nonlinearity }) => number(nonlinearity?.slope.mean) },
  { title: "max |f'−1|", cell: ({ nonlinearity }) => number(nonlinearity?.slope.largest) },
  { title: 'left in BF16', cell: ({ nonlinearity }) => percent(nonlinearity?.differing.merged.BF16) },
  { title: 'left in F16', cell: ({ nonlinearity }) => percent(nonlinearity?.differing.merged.F16) },
];

export function analysisTable({ adapter, method, layers, trainedWhole, warnings }: AdapterAnalysis): string {
  const columns = layers.some(({ nonlinearity }) => nonlinearity !== null) ? [...general, ...nonlinear] : general;
  const lines = [columns.map(({ title }) => title), ...layers.map((layer) => columns.map(({ cell }) => cell(layer)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  const aligned = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [
    `${adapter}: ${method}, ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}${trainedWhole.length === 0 ? '' : `; trained whole: ${trainedWhole.join(', ')}`}`,
    ...lines.map(aligned),
    ...warnings.map(({ message }) => `warning: ${message}`),
  ].join('\n');
}

function number(value: number | null | undefined): string {
  if (value == null) return '–';
  if (value === 0) return '0';
  return Math.abs(value) < 1e-2 || Math.abs(value) >= 1e4 ? value.toExponential(2) : value.toPrecision(3);
}

const rank = (value: number | undefined, sign = ''): string => (value === undefined ? '–' : sign + value.toFixed(1));

const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
