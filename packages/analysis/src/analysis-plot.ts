/**
 * The singular values of each layer on a logarithmic scale, of the update and of what it would be without its nonlinearity, as one
 * HTML file that needs nothing else: an SVG, its description in words, light and dark by the reader's setting.
 */
import type { AdapterAnalysis, LayerAnalysis } from './analyse-adapter.js';

/** A singular value that is drawn. */
interface Point {
  readonly layer: number;
  readonly series: string;
  readonly index: number;
  readonly value: number;
}

const update = 'ΔW';
const linear = 'ΔW without f';
const columns = 3;
const panel = { width: 300, height: 170 };

/** Relative to the largest of a layer: smaller values are the rounding of fp32. */
const floor = 2 ** -22;

const style = `
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1f2328; --update: #b3261e; --linear: #1f5fae; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181d; --ink: #e4e6eb; --update: #ff8a80; --linear: #7fb2ff; } }
body { margin: 2rem; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
figure { margin: 0; } svg { --plot-background: var(--ground); max-width: 100%; height: auto; }
.legend span { margin-right: 1.5em; } .legend svg { vertical-align: middle; margin-right: 0.5em; }`;

/** The text of an HTML file. Layers that are not finite or 0 have no singular values to draw: their panels say so. */
export async function analysisPlot(analysis: AdapterAnalysis): Promise<string> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html lang="en"><head></head><body></body></html>') as unknown as {
    readonly document: PageDocument;
  };
  const { layers } = analysis;
  const points = layers.flatMap(pointsOf);
  const facet = {
    fx: ({ layer }: { layer: number }) => layer % columns,
    fy: ({ layer }: { layer: number }) => Math.floor(layer / columns),
  };
  const panels = layers.map((layer, i) => ({ layer: i, text: titleOf(layer), rank: layer.update?.beyondRank.rank }));
  const svg = Plot.plot({
    document: document as never,
    width: 40 + columns * panel.width,
    height: 60 + Math.ceil(layers.length / columns) * panel.height,
    marginLeft: 55,
    x: { label: 'index of the singular value', nice: true },
    y: { type: 'log', label: 'singular value', grid: true, ticks: 4, tickFormat: '.0e' },
    fx: { axis: null },
    fy: { axis: null },
    color: { domain: [update, linear], range: ['var(--update)', 'var(--linear)'] },
    marks: [
      Plot.frame({ strokeOpacity: 0.3 }),
      Plot.ruleX(
        panels.filter(({ rank }) => rank !== undefined),
        { ...facet, x: (each: { rank: number }) => each.rank + 0.5, strokeDasharray: '2,3', strokeOpacity: 0.6 },
      ),
      Plot.line(
        points.filter(({ series }) => series === linear),
        { ...facet, x: 'index', y: 'value', stroke: 'series', strokeDasharray: '5,3' },
      ),
      Plot.line(
        points.filter(({ series }) => series === update),
        { ...facet, x: 'index', y: 'value', stroke: 'series' },
      ),
      Plot.dot(points, { ...facet, x: 'index', y: 'value', fill: 'series', r: 1.8, title: describe }),
      Plot.text(panels, { ...facet, text: 'text', frameAnchor: 'top-right', dx: -4, dy: 4 }),
    ],
  }) as unknown as PageElement;

  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-labelledby', 'plot-title plot-description');
  const element = (name: string, text: string, id?: string): PageElement => {
    const made = document.createElement(name);
    made.textContent = text;
    if (id !== undefined) made.setAttribute('id', id);
    return made;
  };
  const title = `Singular values of the adapter '${analysis.adapter}' (${analysis.method})`;
  svg.prepend(element('title', title, 'plot-title'), element('desc', inWords(analysis), 'plot-description'));
  const encoding = document.createElement('meta');
  encoding.setAttribute('charset', 'utf-8');
  document.head.append(encoding, element('title', title), element('style', style));
  const figure = document.createElement('figure');
  figure.append(svg);
  document.body.append(element('h1', title), legend(document, points), figure);
  if (analysis.warnings.length > 0) {
    const list = document.createElement('ul');
    list.append(...analysis.warnings.map(({ message }) => element('li', message)));
    document.body.append(element('h2', 'Warnings'), list);
  }
  return `${document.toString()}\n`;
}

function pointsOf({ update: spectrum, nonlinearity }: LayerAnalysis, layer: number): Point[] {
  const drawn = (series: string, values: readonly number[] = []): Point[] =>
    values.flatMap((value, i) => (value > floor * values[0]! ? [{ layer, series, index: i + 1, value }] : []));
  return [...drawn(linear, nonlinearity?.linear.singularValues), ...drawn(update, spectrum?.singularValues)];
}

function titleOf({ path, finite, update: spectrum }: LayerAnalysis): string {
  return finite ? (spectrum?.norm === 0 ? `${path}: 0` : path) : `${path}: not finite`;
}

const describe = ({ series, index, value }: Point): string => `σ${index} of ${series}: ${value.toExponential(3)}`;

function inWords({ layers, method }: AdapterAnalysis): string {
  const ranks = layers.flatMap(({ update: spectrum }) => (spectrum === null ? [] : [spectrum.effectiveRank]));
  const range = `${Math.min(...ranks).toFixed(1)} to ${Math.max(...ranks).toFixed(1)}`;
  return `One panel for each of ${layers.length} layers that ${method} is on: its leading singular values, descending, on a logarithmic scale. Effective ranks: ${ranks.length === 0 ? 'none' : range}. A dotted line marks the adapter's rank.`;
}

function legend(document: PageDocument, points: readonly Point[]): PageElement {
  const box = document.createElement('p');
  box.setAttribute('class', 'legend');
  for (const [series, color, dashes] of [
    [update, 'var(--update)', ''],
    [linear, 'var(--linear)', 'stroke-dasharray="5,3"'],
  ] as const) {
    if (!points.some((point) => point.series === series)) continue;
    const entry = document.createElement('span');
    entry.innerHTML = `<svg width="30" height="10" aria-hidden="true"><path d="M0,5H30" stroke="${color}" stroke-width="2" ${dashes}/></svg>${series}`;
    box.append(entry);
  }
  return box;
}

/** What is used of the DOM. */
interface PageElement {
  textContent: string;
  innerHTML: string;
  setAttribute(name: string, value: string): void;
  append(...children: PageElement[]): void;
  prepend(...children: PageElement[]): void;
}

interface PageDocument {
  readonly head: PageElement;
  readonly body: PageElement;
  createElement(name: string): PageElement;
  toString(): string;
}
