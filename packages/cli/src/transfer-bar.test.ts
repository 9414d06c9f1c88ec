import { expect, test } from 'vitest';
import { transferBar } from './transfer-bar.js';

function drawn(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const bar = transferBar({ write: (text) => written.push(text), isTTY, columns: 90 }, () => time);
  return { written, bar, wait: (milliseconds: number) => (time += milliseconds) };
}

test('on a terminal one line is drawn anew, with rate and time left, and ended with the last byte', () => {
  const { written, bar, wait } = drawn(true);
  bar.show('model.safetensors', { loadedBytes: 20e6, totalBytes: 100e6 });
  wait(50);
  bar.show('model.safetensors', { loadedBytes: 21e6, totalBytes: 100e6 }); // too soon
  wait(1950);
  bar.show('model.safetensors', { loadedBytes: 60e6, totalBytes: 100e6 });
  wait(2000);
  bar.show('model.safetensors', { loadedBytes: 100e6, totalBytes: 100e6 });
  expect(written).toHaveLength(3);
  expect(written[1]).toContain('60 / 100 MB  20 MB/s  0:02 left');
  expect(written[2]).toMatch(/100 \/ 100 MB.*\n$/);
  expect(written.every((text) => text.startsWith('\r'))).toBe(true);
});

test('elsewhere a plain line comes every ten seconds', () => {
  const { written, bar, wait } = drawn(false);
  for (let megabytes = 0; megabytes <= 30; megabytes++) {
    bar.show('a.gguf', { loadedBytes: megabytes * 1e6, totalBytes: 30e6 });
    wait(1000);
  }
  expect(written).toHaveLength(4);
  expect(written.every((text) => text.endsWith('\n') && !text.includes('\r'))).toBe(true);
});
