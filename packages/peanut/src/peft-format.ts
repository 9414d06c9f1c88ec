/**
 * PEANuT in PEFT's files.
 *
 *   X.peanut_A.weight [r, out]   X.peanut_encoders.I.weight, X.peanut_decoders.I.weight [r, r]   X.peanut_B.weight [out, r]
 *   X.activation.NAME []         a trained parameter of the activation, which PEFT does not have
 *
 * `act_fn` is a name where PEFT may know it, an object where parameters are set: then only loran reads the file.
 */
import { isActivation } from '@loran/activations';
import { type AdapterFormat, givenFields, refuseUnsupported, unsupportedField } from '@loran/adapter';
import type { PeanutConfig } from './peanut-config.js';

const prefix = 'activation.';

/** The name of an activation's parameter among those of a layer. */
export const activationKey = (parameter: string): string => `${prefix}${parameter}`;

/** A -> 'peanut_A.weight', encoder.0 -> 'peanut_encoders.0.weight' */
function suffix(parameter: string): string | undefined {
  if (parameter.startsWith(prefix)) return parameter;
  const [, side, index] = /^(encoder|decoder)\.(\d+)$/.exec(parameter) ?? [];
  if (side !== undefined) return `peanut_${side}s.${index!}.weight`;
  return parameter === 'A' || parameter === 'B' ? `peanut_${parameter}.weight` : undefined;
}

function actFn(activation: PeanutConfig['activation']): unknown {
  const spec = isActivation(activation) ? activation.name : activation; // the file names it; whoever loads it brings it
  return spec === 'identity' ? 'linear' : spec; // PEFT's word
}

export const peftFormat: AdapterFormat<PeanutConfig> = {
  name: 'peft',
  inPeft: true,
  peftType: 'PEANUT',
  suffixes: { get: suffix },
  toFile: ({ rank, depth, activation, scaling }) => ({
    r: rank,
    depth,
    act_fn: actFn(activation),
    scaling,
    init_weights: true,
  }),
  fromFile: (fields) => {
    const known = ['r', 'depth', 'act_fn', 'scaling', 'init_weights'];
    refuseUnsupported(fields, { package: '@loran/peanut', known, unsupported: {} });
    if (fields.act_fn === 'xielu') {
      throw unsupportedField('@loran/peanut', 'act_fn', 'xielu', 'an activation with parameters in bfloat16');
    }
    return givenFields({ rank: fields.r, depth: fields.depth, activation: fields.act_fn, scaling: fields.scaling });
  },
};
