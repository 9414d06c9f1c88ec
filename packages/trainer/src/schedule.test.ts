import { expect, test } from 'vitest';
import { golden } from './__fixtures__/golden.js';
import { constantSchedule, cosineSchedule, linearSchedule } from './schedule.js';

const schedules = { constant: constantSchedule, linear: linearSchedule, cosine: cosineSchedule };

test.each(golden.schedules)(
  "$name over $total steps, $warmup, is transformers'",
  ({ name, total, warmup, factors }) => {
    const schedule = schedules[name](warmup);
    expect(schedule.name).toBe(name);
    factors.forEach((factor, done) => {
      expect(schedule.factor(done, total)).toBeCloseTo(factor, 12);
    });
  },
);

test.each([
  [{ warmupSteps: -1 }, 'warmupSteps is -1. Expected a whole number of at least 0.'],
  [{ warmupSteps: 2.5 }, 'warmupSteps is 2.5.'],
  [{ warmupRatio: 1.5 }, 'warmupRatio is 1.5. Expected a number from 0 to 1.'],
  [{ warmupSteps: 2, warmupRatio: 0.1 }, 'warmupRatio is 0.1. Expected nothing beside warmupSteps.'],
])('a warm-up %j is refused', (warmup, message) => {
  expect(() => linearSchedule(warmup)).toThrow(message);
});
