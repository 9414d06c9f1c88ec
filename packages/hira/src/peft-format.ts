/**
 * HiRA in PEFT's files.
 *
 *   X.hira_A [r, in]   X.hira_B [out, r]   X.hira_embedding_A [r, vocabulary]   X.hira_embedding_B [width, r]
 *
 * PEFT 0.21 has a field rank_pattern, but gives every module the rank r (except over bitsandbytes' weights): it is passed over.
 */
import { type AdapterFormat, givenFields, refuseUnsupported } from '@loran/adapter';
import type { HiraConfig } from './hira-config.js';

export const peftFormat: AdapterFormat<HiraConfig> = {
  name: 'peft',
  inPeft: true,
  peftType: 'HIRA',
  suffixes: new Map([
    ['A', 'hira_A'],
    ['B', 'hira_B'],
    ['embeddingA', 'hira_embedding_A'],
    ['embeddingB', 'hira_embedding_B'],
  ]),
  toFile: ({ rank, dropout, init }, { conv1d }) => ({
    r: rank,
    hira_dropout: dropout,
    init_weights: init === 'kaiming' ? true : init,
    fan_in_fan_out: conv1d, // ours are [out, in], always; PEFT asks how the model's class keeps them
  }),
  fromFile: (fields) => {
    refuseUnsupported(fields, {
      package: '@loran/hira',
      known: ['r', 'hira_dropout', 'init_weights', 'rank_pattern', 'fan_in_fan_out'],
      unsupported: {},
    });
    return givenFields({
      rank: fields.r,
      dropout: fields.hira_dropout,
      // true and false: uniform or random throughout, which no longer matters once trained values are there
      init: typeof fields.init_weights === 'string' ? fields.init_weights : undefined,
    });
  },
};
