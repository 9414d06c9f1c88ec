/** Steps and the roofline of their products, by turns, so that both see the same machine. */
import type { OnnxruntimeEngine, Product, RunRecord } from '@loran/engine-onnxruntime';
import { flopsOf } from '@loran/engine-onnxruntime';
import { median } from './median.js';
import { trainingStep, type Shape } from './model.js';
import { roofline } from './roofline.js';

export interface StepFigures {
  readonly shape: Shape;
  /** Arithmetic of the step's matrix products. */
  readonly gigaflop: number;
  /** Median milliseconds of a step, from its first op to its loss; and of its run in the worker. */
  readonly step: number;
  readonly run: number;
  /** GFLOPS of the step, and of its products alone. */
  readonly rate: number;
  readonly ceiling: number;
  /** Median share of a step that is not the run. */
  readonly overhead: number;
  /** Milliseconds to write the step's model and to make its session, once. */
  readonly compile: number;
  readonly nodes: number;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  readonly products: readonly { readonly product: Product; readonly gigaflops: number; readonly share: number }[];
}

interface Timed {
  readonly milliseconds: number;
  readonly record: RunRecord;
}

export async function measure(engine: OnnxruntimeEngine, shape: Shape, rounds: number): Promise<StepFigures> {
  const training = trainingStep(shape);
  const step = async (): Promise<Timed> => {
    const records: RunRecord[] = [];
    const stop = engine.observe((record) => records.push(record));
    const start = performance.now();
    const loss = training.run();
    await loss.data();
    const milliseconds = performance.now() - start;
    stop();
    loss.dispose();
    const [record] = records;
    if (record === undefined || records.length > 1)
      throw new Error(`A step took ${records.length} graphs instead of one.`);
    return { milliseconds, record };
  };

  await step(); // makes the optimiser's slots: a graph of its own
  const { record } = await step();
  // Before the roofline's own tensors, so that the peak is the step's.
  const { residentBytes, peakResidentBytes } = engine.memory();
  const { products, nodes } = record;
  const ceiling = roofline(engine, products);
  await ceiling.compile();
  const steps: Timed[] = [];
  for (let round = 0; round < rounds; round++) {
    steps.push(await step());
    await ceiling.sample();
  }

  const flops = flopsOf(products);
  const milliseconds = median(steps.map((timed) => timed.milliseconds));
  return {
    shape,
    gigaflop: flops / 1e9,
    step: milliseconds,
    run: median(steps.map((timed) => timed.record.runMilliseconds)),
    rate: flops / (milliseconds * 1e6),
    ceiling: ceiling.rate(),
    overhead: median(steps.map((timed) => 1 - timed.record.runMilliseconds / timed.milliseconds)),
    compile: record.emitMilliseconds + record.compileMilliseconds,
    nodes,
    residentBytes,
    peakResidentBytes,
    products: ceiling.rows(),
  };
}
