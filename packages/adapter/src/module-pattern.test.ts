import { expect, test } from 'vitest';
import { patternValue } from './module-pattern.js';

test.each([
  ['model.layers.0.mlp.up_proj', 1],
  ['model.layers.1.mlp.up_proj', 2],
  ['up_proj', 2],
  ['model.layers.10.mlp.up_proj', 2],
  ['model.layers.0.mlp.up_proj.inner', undefined],
  ['model.layers.0.mlp.gate_up_proj', undefined],
  ['model.layers.3.self_attn.v_proj', 3],
] as const)('of %s it is %s', (path, expected) => {
  expect(patternValue({ 'layers.0.mlp.up_proj': 1, up_proj: 2, '[qv]_proj': 3 }, path)).toBe(expected);
});
