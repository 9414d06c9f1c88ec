import { expect, test } from 'vitest';
import { onInterrupt } from './interruption.js';

test('the first Ctrl-C aborts, and leaves the second one to the process', () => {
  const before = process.listenerCount('SIGINT');
  const { signal } = onInterrupt();
  expect(signal.aborted).toBe(false);
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  process.emit('SIGINT');
  expect(signal.aborted).toBe(true);
  expect(process.listenerCount('SIGINT')).toBe(before);
  expect(process.listenerCount('SIGTERM')).toBe(0);
});

test('release listens no longer', () => {
  const before = process.listenerCount('SIGINT');
  const { signal, release } = onInterrupt();
  release();
  expect(process.listenerCount('SIGINT')).toBe(before);
  expect(signal.aborted).toBe(false);
});
