/**
 * What an adapter costs in a training step: `npm run bench:adapters -- [--bases fp32,nf4] [--rounds 9] [--memory no] [--python PYTHON] [--layers N] …`.
 *
 * LoRA, LoRA in weight space, LoRAN, and LoRAN as its authors compute it, without and with dropout, on a Llama of SmolLM2's shape
 * with random weights. One process takes a step of each arm in turn, so that all see the same machine, and the processor time tells
 * what a step costs where others use it too. Peak memory is that of a process for each arm. `--python` adds PEFT's LoRA and the authors' formulation on torch, in the same turns. Results go to stdout.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AdapterSet } from '@loran/adapter';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { openEngine } from '@loran/tensor';
import { arms, bases, type Arm } from './adapters/arms.js';
import { randomModel } from './adapters/random-model.js';
import { table, type Row } from './adapters/report.js';
import { smallShape, type Shape } from './adapters/shape.js';
import { torchPeer, type TorchPeer } from './adapters/torch-peer.js';
import { armTraining, type ArmTraining, type StepTime } from './adapters/training.js';
import { machine } from './step/report.js';

const sizes = Object.entries(smallShape) as [keyof Shape, number][];
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(sizes.map(([name, size]) => [name, { type: 'string', default: String(size) }] as const)),
    bases: { type: 'string', default: 'fp32,nf4' },
    arms: { type: 'string', default: '' },
    rounds: { type: 'string', default: '9' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string' },
    memory: { type: 'string', default: 'yes' },
  },
});
const option = (name: string) => ((values as Readonly<Record<string, unknown>>)[name] as string | undefined) ?? '';
const shape = Object.fromEntries(sizes.map(([name]) => [name, Number(option(name))])) as unknown as Shape;
const [rounds, threads, python] = [Number(option('rounds')), Number(option('threads')), option('python')];
const wanted = option('arms').split(';').filter(Boolean);
const chosen = arms.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

if (option('memory') === 'only') console.log(await peakMemory(option('bases'), chosen[0] as Arm));
else {
  console.log(machine());
  console.log(Object.entries(shape).map(([name, size]) => `${name} ${String(size)}`).join(', ')); // prettier-ignore
  for (const base of option('bases').split(',')) console.log(`\n${table(base, await compare(base))}`);
}

async function opened(base: string) {
  const storage = bases.get(base);
  if (storage === undefined) throw new Error(`No base is called '${base}'; there are ${[...bases.keys()].join(', ')}.`);
  const engine = await openEngine(createOnnxruntimeEngine({ sessions: 64 }), { device: 'cpu', threads });
  const model = await randomModel(shape, storage);
  return { engine, model, set: new AdapterSet(model) };
}

async function compare(base: string): Promise<Row[]> {
  const { engine, model, set } = await opened(base);
  const running = new Map<Pick<Arm, 'name' | 'reference'>, ArmTraining>();
  for (const arm of chosen) running.set(arm, await armTraining(model, set, arm, shape));
  const peers = base === 'fp32' && python !== '' ? torchArms() : new Map<Pick<Arm, 'name' | 'reference'>, TorchPeer>();
  for (const [arm, peer] of peers) running.set(arm, peer);

  const steps = new Map([...running.keys()].map((arm) => [arm, [] as StepTime[]]));
  for (let round = -1; round < rounds; round++) {
    for (const [arm, training] of running) {
      const time = await training.step();
      if (round >= 0) steps.get(arm)?.push(time); // the first round compiles
    }
  }
  await engine.close();
  const rows: Row[] = [];
  for (const [arm, taken] of steps) {
    const ended = await peers.get(arm)?.end();
    const peakResidentBytes = option('memory') === 'no' ? undefined : (ended ?? memoryOf(base, arm.name));
    rows.push({ name: arm.name, reference: arm.reference, steps: taken, peakResidentBytes });
  }
  return rows;
}

function torchArms() {
  const peer = (name: string, method: string, dropout: number, reference: string) =>
    [{ name, reference }, torchPeer(python, method, dropout, shape, threads)] as const;
  return new Map([
    peer('torch: PEFT LoRA', 'lora', 0, 'torch: PEFT LoRA'),
    peer("torch: the authors' LoRAN", 'loran', 0, 'torch: PEFT LoRA'),
    peer('torch: PEFT LoRA, dropout 0.1', 'lora', 0.1, 'torch: PEFT LoRA, dropout 0.1'),
    peer("torch: the authors' LoRAN, dropout 0.1", 'loran', 0.1, 'torch: PEFT LoRA, dropout 0.1'),
  ]);
}

/** In a process of its own: three steps of one arm. */
async function peakMemory(base: string, arm: Arm): Promise<number> {
  const { engine, model, set } = await opened(base);
  const training = await armTraining(model, set, arm, shape);
  for (let step = 0; step < 3; step++) await training.step();
  const { peakResidentBytes } = engine.memory();
  await engine.close();
  return peakResidentBytes;
}

function memoryOf(base: string, arm: string): number {
  const same = sizes.flatMap(([name]) => [`--${name}`, String(shape[name])]);
  const own = ['--memory', 'only', '--bases', base, '--arms', arm, '--threads', String(threads)];
  const options = [...process.execArgv, fileURLToPath(import.meta.url), ...same, ...own];
  const { status, stdout } = spawnSync(process.execPath, options, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0)
    throw new Error(`The memory of '${arm}' was not measured: its process ended with ${String(status)}.`);
  return Number(stdout.trim().split('\n').at(-1));
}
