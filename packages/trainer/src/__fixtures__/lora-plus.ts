/** The values that tools/parity/lora_plus.py computed with PEFT. */
import { readFileSync } from 'node:fs';

type Values = Readonly<Record<string, readonly number[]>>;

interface LoraPlusGolden {
  readonly learningRate: number;
  /** Learning rate of each step as a share of the peak. */
  readonly factors: readonly number[];
  readonly shapes: Readonly<Record<string, number[]>>;
  readonly initial: Values;
  readonly gradients: readonly Values[];
  readonly cases: readonly {
    readonly options: {
      readonly loraplus_lr_ratio: number;
      readonly loraplus_lr_embedding?: number;
      readonly loraplus_weight_decay?: number;
    };
    /** Parameters after each step. */
    readonly trace: readonly Values[];
  }[];
}

export const loraPlusGolden = JSON.parse(
  readFileSync(new URL('lora-plus.json', import.meta.url), 'utf8'),
) as LoraPlusGolden;
