/** A lab with everything that loran ships, and the plugins named on the command line. */
import { standardActivations } from '@loran/activations';
import { tensorflow } from '@loran/engine-tensorflow';
import { createLab, type Lab, loadPlugins, Services } from '@loran/experiments';
import { hira } from '@loran/hira';
import { ia3 } from '@loran/ia3';
import { lora, trainableTokens } from '@loran/lora';
import { loran, loranPresets } from '@loran/loran';
import { peanut } from '@loran/peanut';
import { fp4, int8, nf4 } from '@loran/qlora';
import { vera } from '@loran/vera';
import type { Engine, EngineOptions } from '@loran/tensor';

export interface LabOptions {
  /** Modules that export plugins: './snake.js', 'my-package'. */
  readonly plugins?: readonly string[];
  readonly engine?: string;
  readonly device?: NonNullable<EngineOptions['device']>;
  readonly threads?: number;
}

export async function standardLab({ plugins = [], engine, device, threads }: LabOptions = {}): Promise<Lab> {
  const lab = createLab().use(
    lora,
    trainableTokens,
    loran,
    vera,
    ia3,
    hira,
    peanut,
    nf4,
    fp4,
    int8,
    ...loranPresets,
    ...standardActivations,
    tensorflow,
  );
  for (const specifier of plugins) lab.use(...(await loadPlugins(specifier)));
  if (engine !== undefined) {
    const chosen = lab.plugins<Engine>('engine').get(engine);
    lab.container.rebind<Engine>(Services.engine).toConstantValue(chosen);
  }
  lab.container.rebind<EngineOptions>(Services.engineOptions).toConstantValue({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  return lab;
}
