import { closeEngine, openEngine } from '@loran/tensor';
import { afterEach, expect, test } from 'vitest';
import { createOnnxruntimeEngine } from './engine.js';

afterEach(closeEngine);

test("'auto' says once what it chose, 'cpu' says nothing", async () => {
  const lines: string[] = [];
  const engine = await openEngine(createOnnxruntimeEngine({ log: (line) => lines.push(line) }));
  expect(lines).toEqual([`loran: engine onnxruntime computes on device '${engine.device}' (chosen by 'auto').`]);
  await openEngine(engine, { device: 'cpu' });
  expect(engine.device).toBe('cpu');
  expect(lines).toHaveLength(1);
});

test.each(['webgpu', 'cuda'] as const)(
  '%s computes, or is refused with what was found and what to install',
  async (device) => {
    const engine = createOnnxruntimeEngine({ log: () => undefined });
    const outcome = await openEngine(engine, { device }).catch((error: unknown) => error);
    if (outcome === engine) expect(engine.device).toBe(device);
    else {
      expect(outcome).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
      expect(String(outcome)).toMatch(
        new RegExp(`Device '${device}' is not available: .{10,}It needs .+ Or use device 'cpu'`, 's'),
      );
    }
  },
);

test('a runtime that is not installed is an error that says how to install it', async () => {
  const engine = createOnnxruntimeEngine({ runtime: 'onnxruntime-nowhere' });
  await expect(openEngine(engine)).rejects.toThrow(
    /could not be loaded from 'onnxruntime-nowhere'.+npm install onnxruntime-node/s,
  );
});

test('using an engine that is not open says so', () => {
  expect(() => createOnnxruntimeEngine().memory()).toThrow(/openEngine/);
});
