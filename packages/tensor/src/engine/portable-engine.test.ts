import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { closeEngine, currentEngine, opaque, openEngine } from './current-engine.js';
import { portableEngine } from './portable-engine.js';

test('the current tfjs backend serves as the engine until one is opened', async () => {
  await tf.setBackend('cpu');
  expect(currentEngine().name).toBe('cpu');
  const engine = await openEngine(portableEngine('cpu'));
  expect(currentEngine()).toBe(engine);
  await closeEngine();
  expect(currentEngine()).not.toBe(engine);
});

test('codes are widened to tfjs dtypes exactly', async () => {
  await openEngine(portableEngine('cpu'));
  expect([...(await opaque(Uint8Array.of(0, 127, 255), 'uint8', [3]).data())]).toEqual([0, 127, 255]);
  expect([...(await opaque(Uint8Array.of(0, 127, 255), 'int8', [3]).data())]).toEqual([0, 127, -1]);
  const bf16 = opaque(Uint8Array.of(0x80, 0x3f, 0x20, 0xc1), 'bfloat16', [2]); // 0x3f80 = 1, 0xc120 = -10
  expect(bf16.dtype).toBe('float32');
  expect([...(await bf16.data())]).toEqual([1, -10]);
  expect(() => opaque(new Uint8Array(3), 'bfloat16', [2])).toThrow(/take 4 bytes; 3 were given/);
});

test('an absent device or backend is refused with what to do', async () => {
  await expect(openEngine(portableEngine('cpu'), { device: 'cuda' })).rejects.toMatchObject({
    code: 'DEVICE_UNAVAILABLE',
  });
  await expect(openEngine(portableEngine('nowhere'))).rejects.toThrow();
});
