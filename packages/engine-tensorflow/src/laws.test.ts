import { describeEngine } from '@loran/testing';
import { test } from 'vitest';
import { absent, modules } from './__fixtures__/set-up.js';
import { createTensorflowEngine } from './tensorflow.js';

const tensorflow = createTensorflowEngine({ modules });

if (absent === undefined) describeEngine(() => tensorflow, { options: { device: 'cpu' } });
else test('laws of engines', ({ skip }) => skip(absent));
