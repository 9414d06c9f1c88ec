import { closeEngine, openEngine, type Engine, type EngineOptions } from '@loran/tensor';
import { afterAll, beforeAll, describe } from 'vitest';
import { testLaws, type SkippedLaw } from '../law-suite.js';
import { engineLaws, type EngineSubject } from './engine-laws.js';

export interface EngineLawOptions {
  /** What the engine is opened with. */
  readonly options?: EngineOptions;
  readonly skip?: readonly SkippedLaw[];
}

/** Declares a suite with every law of engines. It opens the engine that `make` returns, and closes it at the end. */
export function describeEngine(
  make: () => Engine | Promise<Engine>,
  { options = {}, skip }: EngineLawOptions = {},
): void {
  describe('laws of engines', () => {
    let engine: Engine | undefined;
    beforeAll(async () => {
      engine = await openEngine(await make(), options);
    });
    afterAll(closeEngine);
    const subject: EngineSubject = {
      get engine() {
        return engine!;
      },
      options,
    };
    testLaws(engineLaws, subject, { skip });
  });
}
