import { bf16, fp32, type AdapterMethod, type BaseStorage, type Context, type FrozenWeight } from '@loran/adapter';
import { describe } from 'vitest';
import type { Tolerance } from '../expect-close.js';
import { testLaws, type Law, type LawOutcome, type SkippedLaw } from '../law-suite.js';
import { fileLaws } from './file-laws.js';
import { startLaws } from './start-laws.js';
import type { AdapterMethodSubject, LayerShape } from './subject.js';
import { trainingLaws } from './training-laws.js';
import { useLaws } from './use-laws.js';

export interface AdapterMethodLawOptions<Config, Options> {
  /** Configurations to hold the laws for, by a name for the report. Ranks of at most 5 fit the tiny model. */
  readonly configs: Readonly<Record<string, Options>>;
  /** How many parameters one layer has. */
  readonly parameterCount: (config: Config, layer: LayerShape) => number;
  /** What its parameters start from: numbers drawn from the adapter's seed (default), or constants, the same for every seed. */
  readonly startsFrom?: 'seed' | 'constants';
  /** The kinds of weight that the method goes on; default linear alone. */
  readonly kinds?: readonly FrozenWeight['kind'][];
  /** Base storages to run over, the first of them for every law; default fp32 and bf16. */
  readonly bases?: readonly BaseStorage[];
  /** Finds the plugins that the configurations name. */
  readonly resolve?: Context['resolve'];
  readonly tolerances?: {
    /** Merged against unmerged outputs; default 1e-5 absolute and relative. */
    readonly merge?: Tolerance;
    /** Gradients against differences, as a share of the parameter's largest gradient; default 0.01. */
    readonly gradient?: number;
  };
  readonly skip?: readonly SkippedLaw[];
  /** Told of every law that holds or is skipped: what a table of results is made of. */
  readonly report?: (outcome: LawOutcome & { readonly config: string; readonly kind: FrozenWeight['kind'] }) => void;
}

/** Every law of adapter methods. */
export const adapterMethodLaws: Readonly<Record<string, Law<AdapterMethodSubject>>> = {
  ...startLaws,
  ...trainingLaws,
  ...useLaws,
  ...fileLaws,
};

/**
 * Declares a suite with every law of adapter methods, for each configuration and kind of weight. It runs on the engine that
 * the test file has opened:
 *
 *     beforeAll(() => openEngine(portableEngine('cpu')));
 *     describeAdapterMethod(lora, {
 *       configs: { plain: { rank: 2 } },
 *       parameterCount: ({ rank }, { rows, columns }) => rank * (rows + columns),
 *     });
 */
export function describeAdapterMethod<Config, Options>(
  method: AdapterMethod<Config>,
  {
    configs,
    parameterCount,
    kinds = ['linear'],
    bases = [fp32, bf16],
    startsFrom = 'seed',
    ...options
  }: AdapterMethodLawOptions<Config, Options>,
): void {
  describe(`laws of the adapter method '${method.name}'`, () => {
    for (const [name, config] of Object.entries(configs)) {
      for (const kind of kinds) {
        const subject: AdapterMethodSubject = {
          method: method as AdapterMethod,
          config,
          kind,
          bases,
          resolve: options.resolve,
          startsFrom,
          parameterCount: (layer) => parameterCount(method.config.parse(config), layer),
          tolerances: {
            merge: options.tolerances?.merge ?? { absolute: 1e-5, relative: 1e-5 },
            gradient: options.tolerances?.gradient ?? 0.01,
          },
        };
        describe(`${name}, ${kind}`, () => {
          const report = (outcome: LawOutcome) => options.report?.({ ...outcome, config: name, kind });
          testLaws(adapterMethodLaws, subject, { skip: options.skip, config: name, report });
        });
      }
    }
  });
}
