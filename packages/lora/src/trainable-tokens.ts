/**
 * Trainable tokens alone: some rows of an embedding, all else frozen (PEFT's method TRAINABLE_TOKENS). See token-rows.ts; LoRA
 * trains such rows beside its own update with `trainableTokens`.
 */
import type { AdapterFormat, AdapterMethod } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import { embeddingRows, headRows, headsOf, refuseIds, refuseTaken } from './token-rows.js';
import { version } from './version.js';

const config = z.strictObject({
  tokens: z.array(z.int().min(0)).min(1).describe('Ids of the rows [token_indices].'),
});

export type TrainableTokensConfig = z.output<typeof config>;

const peftFormat: AdapterFormat<TrainableTokensConfig> = {
  name: 'peft',
  peftType: 'TRAINABLE_TOKENS',
  inPeft: true,
  suffixes: new Map([['tokens', 'trainable_tokens_delta']]), // [ids, width]: the rows themselves
  toFile: ({ tokens }) => ({ token_indices: tokens, init_weights: true }),
  fromFile: ({ token_indices: tokens }) => ({ tokens }),
};

export const trainableTokens: AdapterMethod<TrainableTokensConfig> = {
  kind: 'adapter-method',
  name: 'trainable-tokens',
  package: '@loran/lora',
  version,
  config,
  formats: [peftFormat],

  create(frozen, { tokens }, { path }) {
    if (frozen.kind !== 'embedding') {
      throw new LoranError(
        'INVALID_CONFIG',
        `trainable-tokens trains rows of an embedding; '${path}' is none. Name the embedding as target module; a head that is its weight follows.`,
      );
    }
    refuseIds(path, tokens, frozen);
    return embeddingRows(frozen, tokens);
  },

  companions(model, _config, taken) {
    const heads = [...taken].flatMap(([path, layer]) => headsOf(model, path).map((head) => [head, layer] as const));
    return new Map(
      heads.map(([head, embedding]) => {
        refuseTaken(head, taken);
        const tokens = embedding.parameters.get('tokens')!;
        return [
          head,
          { ...headRows(model.modules().get(head)!.frozen, embedding), buffers: new Map([['tokens', tokens]]) },
        ];
      }),
    );
  },
};
