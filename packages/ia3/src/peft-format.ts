/**
 * IA³ in PEFT's files.
 *
 *   X.ia3_l [out, 1], or [1, in] where inputs are rescaled
 */
import { type AdapterFormat, givenFields, refuseUnsupported, unsupportedField } from '@loran/adapter';
import type { Ia3Config } from './ia3-config.js';

const name = '@loran/ia3';

export const peftFormat: AdapterFormat<Ia3Config> = {
  name: 'peft',
  inPeft: true,
  peftType: 'IA3',
  suffixes: new Map([['l', 'ia3_l']]),
  toFile: ({ feedforwardModules }, { conv1d }) => ({
    feedforward_modules: feedforwardModules,
    fan_in_fan_out: conv1d, // ours are [out, in], always; PEFT asks how the model's class keeps them
    init_ia3_weights: true,
  }),
  fromFile: (fields) => {
    refuseUnsupported(fields, {
      package: name,
      known: ['feedforward_modules', 'fan_in_fan_out', 'init_ia3_weights'],
      unsupported: {},
    });
    if (fields.feedforward_modules == null) {
      throw unsupportedField(
        name,
        'feedforward_modules',
        null,
        "the modules of PEFT's table for the model's architecture; write them into the file ([] for none)",
      );
    }
    return givenFields({ feedforwardModules: fields.feedforward_modules });
  },
};
