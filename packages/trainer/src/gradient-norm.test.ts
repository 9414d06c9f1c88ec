import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { golden } from './__fixtures__/golden.js';
import { clipByGlobalNorm, globalNorm } from './gradient-norm.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

test.each(golden.clipping)("norm and clipping to $limit are torch's", async ({ limit, norm, clipped }) => {
  const gradients = new Map(
    Object.entries(golden.gradients[0]!).map(([name, row]) => [name, tf.tensor([...row], golden.shapes[name])]),
  );
  const ours = globalNorm(gradients.values());
  expect((await ours.data())[0]).toBeCloseTo(norm, 5);
  for (const [name, gradient] of clipByGlobalNorm(gradients, ours, limit)) {
    const values = await gradient.data();
    clipped[name]!.forEach((value, k) => {
      expect(Math.abs(values[k]! - value)).toBeLessThanOrEqual(1e-6);
    });
  }
});
