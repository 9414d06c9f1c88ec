import { ContainerModule } from 'inversify';
import { sinter } from '@loran/activations';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import type { Plugin } from '@loran/plugin';
import { describe, expect, test } from 'vitest';
import { createLab } from './lab.js';
import { Services } from './services.js';

describe('use', () => {
  test('takes plugins of any kind and finds them by name', () => {
    const lab = createLab().use(lora, loran, sinter);
    expect(lab.plugins('adapter-method').get('loran')).toBe(loran);
    expect(lab.plugins('activation').get('sinter')).toBe(sinter);
    expect(lab.plugins('base-storage').has('fp32')).toBe(true);
    expect(
      lab
        .plugins('evaluator')
        .list()
        .map(({ name }) => name),
    ).toContain('macro-f1');
  });

  test('the same value twice is one; another under its name is refused, and nothing of it stays', () => {
    const lab = createLab().use(lora).use(lora);
    expect(lab.plugins('adapter-method').list()).toHaveLength(1);
    expect(() => lab.use({ ...lora })).toThrow(/'lora'.*already registered/);
    expect(lab.plugins('adapter-method').get('lora')).toBe(lora);
  });

  test('takes inversify modules, which may bind plugins and services', () => {
    const mine: Plugin = { kind: 'activation', name: 'mine', package: null, version: null };
    const lab = createLab().use(
      new ContainerModule(({ bind, rebind }) => {
        bind(Services.plugin('activation')).toConstantValue(mine);
        rebind(Services.clock).toConstantValue({ now: () => 42 });
      }),
    );
    expect(lab.plugins('activation').get('mine')).toBe(mine);
    expect(lab.container.get(Services.clock).now()).toBe(42);
  });

  test('two labs know nothing of each other', () => {
    createLab().use(lora);
    expect(createLab().plugins('adapter-method').has('lora')).toBe(false);
  });
});

test('the default engine is the ONNX Runtime one, and can be rebound', () => {
  const lab = createLab();
  expect(lab.container.get(Services.engine).name).toBe('onnxruntime');
  const other = { ...lab.container.get(Services.engine), name: 'other' };
  lab.container.rebind(Services.engine).toConstantValue(other);
  expect(lab.container.get(Services.engine)).toBe(other);
});

describe('an experiment is checked before anything runs', () => {
  const options = { model: 'nowhere', data: 'nowhere.jsonl', arms: { a: { adapter: { method: 'lora' } } } };
  const lab = createLab().use(lora);

  test.each([
    ['an unknown method', { arms: { a: { adapter: { method: 'lorra' } } } }, /Unknown adapter-method 'lorra'.*'lora'/],
    ['an unknown base', { arms: { a: { base: 'nf4' } } }, /Unknown base-storage 'nf4'/],
    ['an unknown evaluator', { evaluators: ['f1'] }, /Unknown evaluator 'f1'.*macro-f1/],
    ['a baseline that is no arm', { baseline: 'b' }, /'b' is not an arm; the arms are a/],
    ['no arms', { arms: {} }, /arms: an experiment needs at least one arm/],
    ['an unknown option', { epochs: 3 }, /epochs/],
    ['a learning rate that is none', { training: { learningRate: -1 } }, /training\.learningRate/],
  ])('%s', (_, change, message) => {
    expect(() => lab.experiment({ ...options, ...change })).toThrow(message);
  });
});
