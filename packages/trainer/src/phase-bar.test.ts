import { expect, test } from 'vitest';
import { phaseBar } from './phase-bar.js';

function drawn(isTTY: boolean, columns = 90) {
  const written: string[] = [];
  let time = 0;
  const bar = phaseBar({ write: (text) => written.push(text), isTTY, columns }, { now: () => time });
  const show = (phase: string, done: number, total: number, more: { item?: string; tokens?: number } = {}) => {
    bar.show({ phase, done, total, unit: phase === 'evaluate' ? 'examples' : 'bytes', ...more });
  };
  return { written, bar, show, wait: (milliseconds: number) => (time += milliseconds) };
}

test('on a terminal one line is drawn anew, with rate and time left, and ended with the last byte', () => {
  const { written, show, wait } = drawn(true);
  const item = 'model.safetensors';
  show('download', 20e6, 100e6, { item }); // what an earlier download left
  wait(1950);
  show('download', 59e6, 100e6, { item });
  wait(50);
  show('download', 60e6, 100e6, { item }); // too soon
  wait(50);
  show('download', 61e6, 100e6, { item });
  wait(1950);
  show('download', 100e6, 100e6, { item });
  expect(written).toEqual([
    '\r\u001b[Kdownload model.safetensors  █████████░░░░░░░  59 / 100 MB  20 MB/s  0:02 left',
    '\r\u001b[Kdownload model.safetensors  ██████████░░░░░░  61 / 100 MB  20 MB/s  0:02 left',
    '\r\u001b[Kdownload model.safetensors  ████████████████  100 / 100 MB  20 MB/s',
    '\n',
  ]);
});

test('what takes less than half a second leaves nothing, whatever it reports', () => {
  const { written, show, wait } = drawn(true);
  for (const phase of ['load', 'tokenise', 'evaluate', 'evaluate']) {
    for (let done = 0; done <= 100; done++) {
      show(phase, done, 100);
      wait(4);
    }
  }
  expect(written).toEqual([]);
});

test('what ends after half a second in one piece is shown once', () => {
  const { written, show, wait } = drawn(true);
  show('load', 0, 5e6);
  wait(1000);
  show('load', 5e6, 5e6);
  expect(written).toEqual(['\r\u001b[Kload  ████████████████  5.0 / 5.0 MB  5.0 MB/s', '\n']);
});

test('without any progress there is no rate and no time', () => {
  const { written, show, wait } = drawn(true);
  show('evaluate', 0, 400, { tokens: 0 });
  wait(600);
  show('evaluate', 0, 400, { tokens: 0 });
  expect(written).toEqual(['\r\u001b[Kevaluate  ░░░░░░░░░░░░░░░░  0 / 400 examples']);
});

test('tokens say the speed, examples how long it will take; large files are in GB, long times in hours', () => {
  const { written, show, wait } = drawn(true);
  show('evaluate', 0, 4000, { tokens: 0 });
  wait(2000);
  show('evaluate', 1000, 4000, { tokens: 20_500 });
  expect(written.at(-1)).toContain('1,000 / 4,000 examples  10,250 tokens/s  0:06 left');
  show('load', 0, 14e9);
  wait(2000);
  show('load', 5e6, 14e9);
  expect(written.at(-1)).toContain('0.0 / 14 GB  0.0 GB/s  1:33:18 left');
});

test('cleared for another line it comes back; a phase that never ended leaves nothing behind', () => {
  const { written, bar, show, wait } = drawn(true, 20);
  show('load', 0, 100e6);
  bar.clear();
  expect(written).toEqual([]);
  wait(600);
  show('load', 50e6, 100e6);
  bar.clear();
  bar.clear();
  wait(100);
  show('load', 51e6, 100e6);
  show('evaluate', 0, 10);
  const line = expect.stringMatching(/^\r.{3}load {2}.{13}$/) as string; // never wraps
  expect(written).toEqual([line, '\r\u001b[K', line, '\r\u001b[K']);
});

test('elsewhere a plain line comes every ten seconds, and none for what takes less', () => {
  const { written, show, wait } = drawn(false);
  for (let megabytes = 0; megabytes <= 25; megabytes++) {
    show('load', megabytes * 1e6, 25e6);
    wait(1000);
  }
  for (let done = 0; done <= 9; done++) {
    show('evaluate', done, 9);
    wait(1000);
  }
  expect(written.join('')).toBe(
    'load  ██████░░░░░░░░░░  10 / 25 MB  1.0 MB/s  0:15 left\n' +
      'load  █████████████░░░  20 / 25 MB  1.0 MB/s  0:05 left\n' +
      'load  ████████████████  25 / 25 MB  1.0 MB/s\n',
  );
});
