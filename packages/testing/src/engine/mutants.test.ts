/** Laws of engines, tried on engines that break them. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, type Engine } from '@loran/tensor';
import { afterEach, describe, expect, test } from 'vitest';
import { engineLaws } from './engine-laws.js';

const cpu = portableEngine('cpu');
const randomKernel = 'LoranRandomUniform';

afterEach(() => {
  const registered = tf.getKernelsForBackend('cpu').some(({ kernelName }) => kernelName === randomKernel);
  if (registered) tf.unregisterKernel(randomKernel, 'cpu');
});

const mutants: readonly { name: string; engine: Engine; prepare?: () => void; breaks: readonly string[] }[] = [
  { name: 'another kind', engine: { ...cpu, name: '' }, breaks: ['says what it is and where it computes'] },
  {
    name: 'codes without their sign',
    engine: { ...cpu, opaque: (bytes, type, shape) => cpu.opaque(bytes, type === 'int8' ? 'uint8' : type, shape) },
    breaks: ['keeps codes that tfjs has no type for'],
  },
  {
    name: 'codes of any length',
    engine: { ...cpu, opaque: (_, _type, shape) => tf.zeros([...shape], 'int32') },
    breaks: ['refuses codes whose bytes do not fill the shape', 'keeps codes that tfjs has no type for'],
  },
  {
    name: 'a dependency by + 0·x, which spreads NaN',
    engine: { ...cpu, after: (x, dependency) => tf.add(x, tf.mul(0, tf.sum(tf.cast(dependency, 'float32')))) },
    breaks: ['after changes no value, whatever the dependency holds'],
  },
  {
    name: 'a recording that gives its first outputs again',
    engine: {
      ...cpu,
      record: (_, run) => {
        const outputs = run();
        return { outputs, recording: { repeat: () => outputs.map((output) => tf.clone(output)), dispose: () => {} } };
      },
    },
    breaks: ['recorded operations are repeated for other inputs'],
  },
  {
    name: 'memory that is never counted',
    engine: {
      ...cpu,
      memory: () => ({ tensors: 0, bytes: 0, sessions: 0, residentBytes: 1e8, peakResidentBytes: 1e8 }),
    },
    breaks: ['reports its memory'],
  },
  {
    name: 'sessions that pile up',
    engine: (() => {
      let sessions = 0;
      return { ...cpu, memory: () => ({ ...cpu.memory(), sessions: sessions++ }) };
    })(),
    breaks: ['training gives the same bits again, in flat memory'],
  },
  {
    name: 'a flush that fails with nothing to do',
    engine: { ...cpu, flush: () => Promise.reject(new Error('nothing is pending')) },
    breaks: ['flush computes what is pending, and values stay'],
  },
  {
    name: 'random numbers of its own',
    engine: cpu,
    prepare: () => {
      tf.registerKernel({
        kernelName: randomKernel,
        backendName: 'cpu',
        kernelFunc: ({ attrs }) => tf.randomUniform((attrs as unknown as { shape: number[] }).shape),
      });
    },
    breaks: [
      'random numbers are the same bits as everywhere',
      'dropout keeps and drops the same elements as everywhere',
    ],
  },
];

describe.each(mutants)('$name', ({ engine, prepare, breaks }) => {
  test.each(breaks)('breaks: %s', async (name) => {
    await openEngine(engine);
    prepare?.();
    await expect(Promise.resolve({ engine, options: {} }).then(engineLaws[name])).rejects.toThrow();
  });
});
