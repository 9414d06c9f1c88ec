/** LoRAN with the identity is LoRA: in weight space bit for bit, factored within fp32 rounding; and Sinter is not. */
import '@tensorflow/tfjs-backend-cpu';
import { identity, sinter } from '@loran/activations';
import { adapterParameters, AdapterSet, bf16, fp32, type AdapterMethod, type BaseStorage } from '@loran/adapter';
import { lora } from '@loran/lora';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { descend, expectClose, tinyModel } from '@loran/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { loran } from './loran.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** Losses and parameters of 50 steps of AdamW on the tiny model, all its modules adapted. */
async function trained<C>(method: AdapterMethod<C>, config: object, storage: BaseStorage = fp32) {
  const model = await tinyModel({ storage });
  const set = new AdapterSet(model);
  const adapter = await set.add({ method, config, targetModules: ['tokens', 'first', 'second'], seed: 11 });
  const parameters = adapterParameters(adapter);
  const random = randomStream(3);
  const losses = await descend(
    (step) => model.loss({ training: true, random: random.derive(step) }),
    [...parameters.values()],
    { steps: 50, learningRate: 0.01, weightDecay: 0.01 },
  );
  const values = new Map<string, number[]>();
  for (const [name, parameter] of parameters) values.set(name, Array.from(await parameter.data<'float32'>()));
  set.remove('default');
  model.dispose();
  return { losses, values };
}

describe.each([
  { dropout: 0, storage: fp32 },
  { dropout: 0.2, storage: fp32 },
  { dropout: 0, storage: bf16 },
])('with dropout $dropout over $storage.name', ({ dropout, storage }) => {
  const common = { rank: 3, alpha: 6, dropout };

  test('the identity is LoRA in weight space, bit for bit', async () => {
    const ours = await trained(loran, { ...common, activation: identity }, storage);
    expect(await trained(lora, { ...common, form: 'weight-space' }, storage)).toEqual(ours);
    expect(ours.losses.at(-1)).toBeLessThan(0.7 * ours.losses[0]!);
  });

  test('the identity is factored LoRA within rounding', async () => {
    const ours = await trained(loran, { ...common, activation: identity }, storage);
    const factored = await trained(lora, common, storage);
    await expectClose(factored.losses, ours.losses, { absolute: 2e-5, relative: 0 });
    for (const [name, values] of factored.values) {
      await expectClose(values, ours.values.get(name)!, { absolute: 2e-4, relative: 0 });
    }
  });
});

test('Sinter, at its published constants, takes another path', async () => {
  const common = { rank: 3, alpha: 6 };
  const [plain, waved] = [
    await trained(loran, { ...common, activation: identity }),
    await trained(loran, { ...common, activation: sinter }),
  ];
  expect(waved.losses[0]).toBe(plain.losses[0]); // B starts at 0: no update yet
  const difference = Math.max(...waved.losses.map((loss, i) => Math.abs(loss - plain.losses[i]!)));
  expect(difference).toBeGreaterThan(1e-4); // ten times what rounding does above
});
