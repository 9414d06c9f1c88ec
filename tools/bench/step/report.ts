/** The machine, the versions and the figures of one configuration, as lines of text. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import type { Product } from '@loran/engine-onnxruntime';
import type { StepFigures } from './measure.js';

export function machine(): string {
  const [first] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const packages = ['onnxruntime-node', '@tensorflow/tfjs-core'].map((name) => `${name} ${versionOf(name)}`);
  return `${cpus().length} x ${first?.model ?? 'unknown CPU'}, ${memory} GiB, Node ${process.version}, ${packages.join(', ')}`;
}

export function report(figures: StepFigures): string {
  const { shape, gigaflop, step, run, rate, ceiling, overhead, compile, nodes, residentBytes, peakResidentBytes } =
    figures;
  const { layers, width, heads, hidden, vocabulary, rank, batch, time } = shape;
  const lines = [
    `L=${layers} d=${width} heads=${heads} ffn=${hidden} V=${vocabulary} r=${rank}, ${batch}x${time} tokens, ${gigaflop.toFixed(1)} GFLOP of products`,
    `  step       ${step.toFixed(0)} ms (run ${run.toFixed(0)} ms), ${((batch * time * 1000) / step).toFixed(0)} tokens/s`,
    `  rate       ${rate.toFixed(1)} GFLOPS; its products alone ${ceiling.toFixed(1)}; ratio ${percent(rate / ceiling)} (target 85 %)`,
    `  overhead   ${percent(overhead)} of the step in JavaScript (target 3 %)`,
    `  compiled   once in ${compile.toFixed(0)} ms, ${nodes} nodes`,
    `  memory     ${mebibytes(residentBytes)} resident after the steps, ${mebibytes(peakResidentBytes)} at the peak`,
    '  products, by share of the arithmetic:',
    ...figures.products.slice(0, 12).map(productLine),
  ];
  return lines.join('\n');
}

function productLine({ product, gigaflops, share }: { product: Product; gigaflops: number; share: number }): string {
  const { batch, m, k, n, transposeA, transposeB, count } = product;
  const name = `${batch > 1 ? `${batch} x ` : ''}[${m}, ${k}]${transposeA ? 'ᵀ' : ''} [${k}, ${n}]${transposeB ? 'ᵀ' : ''}`;
  return `    ${percent(share).padStart(6)}  ${gigaflops.toFixed(0).padStart(4)} GFLOPS  ${count} x ${name}`;
}

const percent = (ratio: number) => `${(100 * ratio).toFixed(1)} %`;
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function versionOf(name: string): string {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
