import { expect, test } from 'vitest';
import { progressBar } from './progress-bar.js';
import type { StepEvent } from './training-event.js';

function stream(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  return { isTTY, columns, write: (text: string) => written.push(text), written };
}

const step = (step: number, over: Partial<StepEvent> = {}): StepEvent => ({
  type: 'step',
  step,
  steps: 100,
  epoch: 1,
  epochs: 3,
  seconds: step,
  loss: 2.5,
  learningRate: 1e-3,
  gradientNorm: 1,
  tokens: 2000,
  tokensPerSecond: 10_250.4,
  remainingSeconds: 161,
  ...over,
});

test('draws one line in place on a terminal: loss, rate, time left', () => {
  const out = stream(true);
  const bar = progressBar(out);
  bar.show(step(50));
  expect(out.written).toEqual([
    '\r\u001b[Kepoch 1/3  ████████░░░░░░░░  50/100  loss 2.5000  10,250 tokens/s  2:41 left',
  ]);
  bar.show(step(51, { loss: 1.5, remainingSeconds: 3661 }));
  expect(out.written[1]).toBe(
    '\r\u001b[Kepoch 1/3  ████████░░░░░░░░  51/100  loss 2.4000  10,250 tokens/s  1:01:01 left',
  );
  bar.show({
    type: 'evaluation',
    step: 51,
    epoch: 1,
    seconds: 52,
    metrics: { accuracy: { value: 0.7133, low: 0.6, high: 0.8 }, loss: 1 },
  });
  expect(out.written[2]).toBe('\r\u001b[Kepoch 1, step 51: accuracy 0.7133, loss 1.0000\n');
});

test('is not drawn more often than its interval, but always at the last step', () => {
  const out = stream(true);
  const bar = progressBar(out, { interval: 1 });
  for (let i = 1; i <= 100; i++) bar.show(step(i, { seconds: i * 0.25 }));
  expect(out.written).toHaveLength(26);
  expect(out.written.at(-1)).toContain('████████████████  100/100');
  bar.show({ type: 'finished', step: 100, epoch: 3, seconds: 30, tokens: 1, tokensPerSecond: 1 });
  expect(out.written.at(-1)).toBe('\n');
});

test('never wraps, since a wrapped line could not be drawn over', () => {
  const out = stream(true, 30);
  progressBar(out).show(step(50));
  expect(out.written[0]!.length).toBe('\r\u001b[K'.length + 29);
  const unknown = stream(true, 0); // some terminals do not say how wide they are
  progressBar(unknown).show(step(50));
  expect(unknown.written[0]).toMatch(/2:41 left$/);
});

test('elsewhere it is a plain line every few seconds and nothing else', () => {
  const out = stream(false);
  const bar = progressBar(out);
  for (let i = 1; i <= 25; i++) bar.show(step(i));
  expect(out.written).toHaveLength(3); // at 1, 11 and 21 seconds
  expect(out.written[1]).toBe('epoch 1/3  ██░░░░░░░░░░░░░░  11/100  loss 2.5000  10,250 tokens/s  2:41 left\n');
  bar.show({ type: 'saved', step: 25, epoch: 1, seconds: 26 });
  bar.show({ type: 'interrupted', step: 25, epoch: 1, seconds: 26 });
  bar.close();
  expect(out.written.slice(3)).toEqual(['interrupted after step 25\n']);
});

test('close ends the line of a training that threw, once', () => {
  const out = stream(true);
  const bar = progressBar(out);
  bar.show(step(1));
  bar.close();
  bar.close();
  expect(out.written.slice(1)).toEqual(['\n']);
});
