/** What a LoRAN configuration may say, what it refuses, and how it stands in files. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createActivationRegistry, defineActivation, sine, standardActivations } from '@loran/activations';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loran } from './loran.js';
import { loranConfig } from './loran-config.js';
import { peftFormat } from './peft-format.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const registry = createActivationRegistry(standardActivations);

/** Adds LoRAN to a [4, 6] layer. */
function add(config: object, activations = registry) {
  const slot = new Slot('dense', frozenTensor(tf.ones([4, 6])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const resolve = (_: string, name: string) => activations.get(name);
  return set.add({ method: loran, config, targetModules: ['dense'], resolve });
}

describe('bad configurations', () => {
  test.each([
    [{ rank: 0 }, 'INVALID_CONFIG', /rank: /],
    [{ rank: 5 }, 'INVALID_RANK', /rank for 'dense' is 5; its weight is \[4, 6\].*from 1 to 4/],
    [{ dropout: 1 }, 'INVALID_CONFIG', /dropout: /],
    [{ ranks: 4 }, 'INVALID_CONFIG', /ranks/],
    [{ activation: 3 }, 'INVALID_CONFIG', /activation: An activation is given as a name.*got 3/],
    [{ activation: { name: 'sine', frequency: '30' } }, 'INVALID_CONFIG', /activation: Parameter 'frequency'.*"30"/],
    [{ activation: 'sintr' }, 'UNKNOWN_PLUGIN', /Unknown activation 'sintr'. Did you mean 'sinter'/],
    [{ activation: { name: 'sinter', omega: 3 } }, 'UNKNOWN_ACTIVATION_PARAMETER', /no parameter 'omega'/],
  ])('%j: %s', async (config, code, message) => {
    const adding = add({ rank: 2, ...config });
    await expect(adding).rejects.toMatchObject({ code });
    await expect(adding).rejects.toThrow(message);
  });

  test.each([
    ['z²', (x: tf.Tensor) => tf.square(x), 'slope 0 at 0'],
    ['√z', (x: tf.Tensor) => tf.sqrt(x), /slope (NaN|Infinity) at 0/],
  ])('an activation through which no gradient gets: %s', async (_, apply, message) => {
    const dead = defineActivation({ name: 'dead', apply });
    const before = tf.memory().numTensors;
    const adding = add({ rank: 2, activation: dead });
    await expect(adding).rejects.toMatchObject({ code: 'DEAD_ACTIVATION' });
    await expect(adding).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before + 1); // the layer's weight
  });
});

describe('in a file', () => {
  test.each([
    [{ rank: 4, alpha: 6, dropout: 0.1, activation: 'tanh', init: 'gaussian' }],
    [{ rank: 4, activation: { name: 'sine', frequency: { value: 30, trainable: true } } }],
  ])('%j comes back', (options) => {
    const config = loranConfig.parse(options);
    const fields: unknown = JSON.parse(JSON.stringify(peftFormat.toFile(config, { conv1d: false, layers: new Map() })));
    expect(loranConfig.parse(peftFormat.fromFile(fields as Record<string, unknown>))).toEqual(config);
  });

  test('an activation given as a value is named', () => {
    expect(
      peftFormat.toFile(loranConfig.parse({ activation: sine }), { conv1d: false, layers: new Map() }),
    ).toMatchObject({
      activation: 'sine',
    });
  });

  test('its trained parameters have a key, and a name that is no parameter has none', async () => {
    const { layers } = await add({ rank: 2, activation: { name: 'sine', frequency: { trainable: true } } });
    const names = [...layers.get('dense')!.parameters.keys()];
    expect(names.map((name) => peftFormat.suffixes.get(name))).toEqual([
      'lora_A.weight',
      'lora_B.weight',
      'activation.frequency',
    ]);
    expect(peftFormat.suffixes.get('C')).toBeUndefined();
  });
});

test('the JSON Schema for editors has what a file can say', () => {
  const schema = z.toJSONSchema(loranConfig, { io: 'input', unrepresentable: 'any' });
  expect(schema).toMatchObject({
    additionalProperties: false,
    properties: { activation: { default: 'sinter', anyOf: [{ type: 'string' }, { required: ['name'] }, { not: {} }] } },
  });
});
