/** The same adapters trained for 20 steps on whichever engine is open: their losses, by name. */
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { adapterParameters, type AdapterMethod, AdapterSet, type BaseStorage, fp32 } from '@loran/adapter';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { randomStream } from '@loran/tensor';
import { descend, tinyModel } from '@loran/testing';

const activations = createActivationRegistry(standardActivations);

const adapters: Readonly<Record<string, { readonly method: unknown; readonly config: object }>> = {
  lora: { method: lora, config: { rank: 4, alpha: 8 } },
  'lora with dropout': { method: lora, config: { rank: 4, alpha: 8, dropout: 0.1 } },
  loran: { method: loran, config: { rank: 4, alpha: 8, activation: 'sinter' } },
  'loran with dropout': { method: loran, config: { rank: 4, alpha: 8, dropout: 0.1, activation: 'tanh' } },
};

export type Losses = Readonly<Record<string, readonly number[]>>;

export async function trainAdapters(): Promise<Losses> {
  const losses: Record<string, readonly number[]> = {};
  for (const storage of [fp32, nf4]) {
    for (const [name, { method, config }] of Object.entries(adapters)) {
      losses[`${name} over ${storage.name}`] = await train(storage, method as AdapterMethod, config);
    }
  }
  return losses;
}

async function train(storage: BaseStorage, method: AdapterMethod, config: object): Promise<readonly number[]> {
  const model = await tinyModel({ storage, width: 24, vocabulary: 60 });
  const set = new AdapterSet(model);
  const adapter = await set.add({
    method,
    config,
    targetModules: ['encoder.first', 'encoder.second'],
    modulesToSave: ['classifier'],
    resolve: (_, activation) => activations.get(activation),
  });
  const random = randomStream(7);
  const losses = await descend(
    (step) => model.loss({ training: true, random: random.derive(step) }),
    [...adapterParameters(adapter).values()],
    { steps: 20, learningRate: 0.01 },
  );
  set.remove(adapter.name);
  model.dispose();
  return losses;
}
