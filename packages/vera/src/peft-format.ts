/**
 * VeRA in PEFT's files.
 *
 *   X.vera_lambda_d [r]   X.vera_lambda_b [out]   base_model.vera_A [r, widest in]   base_model.vera_B [widest out, r]
 */
import { type AdapterFormat, givenFields, refuseUnsupported } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { VeraConfig } from './vera-config.js';

/** Keys of the shared matrices in the file. */
export const projectionKeys = { A: 'base_model.vera_A', B: 'base_model.vera_B' } as const;

export const peftFormat: AdapterFormat<VeraConfig> = {
  name: 'peft',
  inPeft: true,
  peftType: 'VERA',
  suffixes: new Map([
    ['d', 'vera_lambda_d'],
    ['b', 'vera_lambda_b'],
  ]),
  shared: new Map(Object.entries(projectionKeys)),
  toFile: ({ rank, dropout, dInitial, projectionKey }, { conv1d }) => ({
    r: rank,
    vera_dropout: dropout,
    d_initial: dInitial,
    projection_prng_key: projectionKey,
    save_projection: true,
    bias: 'none',
    fan_in_fan_out: conv1d, // ours are [out, in], always; PEFT asks how the model's class keeps them
    init_weights: true,
  }),
  fromFile: (fields) => {
    const { bias, ...others } = fields;
    refuseUnsupported(bias === 'none' ? others : fields, {
      package: '@loran/vera',
      known: [
        ...['r', 'vera_dropout', 'd_initial', 'projection_prng_key', 'save_projection', 'fan_in_fan_out'],
        'init_weights', // of no consequence once trained values are there
      ],
      unsupported: { bias: 'trained biases' },
    });
    if (fields.save_projection === false) {
      throw new LoranError(
        'UNSUPPORTED_PEFT_FEATURE',
        'adapter_config.json has "save_projection": false, so the random matrices are not in the file. PEFT draws them again from the random ' +
          "numbers of torch, which are not available here. Load the adapter with PEFT, set its configuration's save_projection to True when " +
          'the model is made, and save it again.',
      );
    }
    return givenFields({
      rank: fields.r,
      dropout: fields.vera_dropout,
      dInitial: fields.d_initial,
      projectionKey: fields.projection_prng_key,
    });
  },
};
