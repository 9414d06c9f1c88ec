import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine/current-engine.js';
import { portableEngine } from '../engine/portable-engine.js';
import { deriveKey, hashBits, type Key } from './hash.js';
import { dropout, randomUniform } from './random-uniform.js';
import { randomStream } from './random-stream.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const key: Key = [123456789, -987654321];
const many = 1 << 16;

describe('the hash', () => {
  test('is the stated formula modulo 2³²', () => {
    const word = (n: bigint) => BigInt.asUintN(32, n);
    const exact = (i: number) => {
      let h = word(word(BigInt(i ^ key[0])) * 0x7feb352dn);
      h ^= h >> 15n;
      h = word((h + word(BigInt(key[1]))) * 0x846ca68bn);
      return Number(h ^ (h >> 16n));
    };
    for (const i of [0, 1, 2, 1000, 2 ** 31 - 1]) expect(hashBits(i, key)).toBe(exact(i));
  });

  test('sets every bit half of the time, whatever the neighbouring bit of the position', () => {
    for (let bit = 0; bit < 32; bit++) {
      let ones = 0;
      let flips = 0;
      for (let i = 0; i < many; i++) {
        ones += (hashBits(i, key) >>> bit) & 1;
        flips += ((hashBits(i, key) ^ hashBits(i ^ 1, key)) >>> bit) & 1;
      }
      expect(Math.abs(ones / many - 0.5)).toBeLessThan(0.01);
      expect(Math.abs(flips / many - 0.5)).toBeLessThan(0.05);
    }
  });

  test('gives neighbouring seeds and labels unrelated streams', () => {
    for (const [a, b] of [
      [0, 1],
      ['layer.0', 'layer.1'],
      [7, '7'],
    ] as const) {
      const [x, y] = [deriveKey(key, a), deriveKey(key, b)];
      let product = 0;
      for (let i = 0; i < many; i++) product += (hashBits(i, x) / 2 ** 32 - 0.5) * (hashBits(i, y) / 2 ** 32 - 0.5);
      expect(Math.abs((12 * product) / many)).toBeLessThan(0.02);
    }
  });
});

test('uniform numbers have the mean, the variance and the serial correlation of such', async () => {
  const u = await randomUniform([many], key).data<'float32'>();
  const mean = u.reduce((sum, v) => sum + v, 0) / many;
  const variance = u.reduce((sum, v) => sum + (v - mean) ** 2, 0) / many;
  let serial = 0;
  for (let i = 1; i < many; i++) serial += ((u[i] ?? 0) - mean) * ((u[i - 1] ?? 0) - mean);
  expect(mean).toBeCloseTo(0.5, 2);
  expect(variance).toBeCloseTo(1 / 12, 2);
  expect(Math.abs(serial / many / variance)).toBeLessThan(0.02);
  expect(Math.min(...u)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...u)).toBeLessThan(1);
});

test('a stream is named, not advanced', async () => {
  const stream = randomStream(3).derive('layer');
  const [a, b] = await Promise.all([stream.uniform([8], -1, 1).data(), stream.uniform([8], -1, 1).data()]);
  expect(a).toEqual(b);
  expect(await randomStream(4).derive('layer').uniform([8], -1, 1).data()).not.toEqual(a);
  const normal = await stream.normal([many], 2, 3).data<'float32'>();
  const mean = normal.reduce((sum, v) => sum + v, 0) / many;
  expect(mean).toBeCloseTo(2, 1);
  expect(Math.sqrt(normal.reduce((sum, v) => sum + (v - mean) ** 2, 0) / many)).toBeCloseTo(3, 1);
});

test('dropout keeps the mean, drops the rate, and repeats for the same key', async () => {
  const x = tf.ones([many]);
  const y = await dropout(x, 0.25, key).data();
  const dropped = y.filter((v) => v === 0).length / many;
  expect(dropped).toBeCloseTo(0.25, 2);
  expect(Math.max(...y)).toBeCloseTo(1 / 0.75, 6);
  expect(await dropout(x, 0.25, key).data()).toEqual(y);
  expect(dropout(x, 0, key)).toBe(x);
});
