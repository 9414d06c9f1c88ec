import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeBaseStorage } from '@loran/testing';
import { goldenCases } from './__fixtures__/golden.js';
import { fp4Type } from './codebook.js';
import { createFp4, fp4 } from './fp4.js';
import { nf4 } from './nf4.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

// Half of the widest gap between two codes, 1/3, of a block's maximum; double quantisation moves that by a hundredth.
describeBaseStorage(fp4, {
  tolerance: { absolute: 0.33 },
  skip: [
    {
      law: 'stores its own values again without loss',
      reason: 'the maxima are quantised anew, around another mean; under single quantisation the law holds',
    },
  ],
});
describeBaseStorage(createFp4({ doubleQuantisation: false, blockSize: 128 }), { tolerance: { absolute: 0.33 } });

test('zero has two codes: 0 and what is below it take the first, small positive values the second', () => {
  expect([0, -0, -0.0026, 0.0026, 1e-6].map(fp4Type.nearestCode)).toEqual([0, 0, 0, 8, 8]);
  expect([-0.0027, 0.0027].map(fp4Type.nearestCode)).toEqual([9, 1]);
  expect(fp4Type.zeroCode).toBe(0);
});

test('a weight of the other type is refused by name, both ways', async () => {
  const [ofFp4] = await goldenCases('fp4');
  const [ofNf4] = await goldenCases('nf4');
  expect(() => nf4.restore('linear', ofFp4!.parts)).toThrow(/in nf4 needs the part '.*__nf4'; there are .*__fp4/);
  expect(() => fp4.restore('linear', ofNf4!.parts)).toThrow(/in fp4 needs the part '.*__fp4'; there are .*__nf4/);
});

test('options say which there are', () => {
  expect(fp4.withOptions!({ blockSize: 128 }).name).toBe('fp4');
  expect(() => fp4.withOptions!({ blockSize: 100 })).toThrow(expect.objectContaining({ code: 'INVALID_BLOCK_SIZE' }));
  expect(() => fp4.withOptions!({ blocksize: 64 })).toThrow(/no option 'blocksize'.*blockSize and doubleQuantisation/);
  expect(() => fp4.withOptions!({ doubleQuantisation: 'no' })).toThrow(/"no"; expected true or false/);
});
