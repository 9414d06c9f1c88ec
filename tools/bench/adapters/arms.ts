/** What is compared: each arm is an adapter method with a configuration, over one of the bases. */
import { bf16, fp32, type AdapterMethod, type BaseStorage } from '@loran/adapter';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { keptLoran } from './kept-loran.js';

export interface Arm {
  readonly name: string;
  readonly method: AdapterMethod;
  readonly config: Readonly<Record<string, unknown>>;
  /** The arm that its step is compared with; itself for a reference. */
  readonly reference: string;
}

const arm = <C>(name: string, method: AdapterMethod<C>, config: object, reference: string): Arm => ({
  name,
  method: method as AdapterMethod,
  config: { ...config },
  reference,
});

const dropout = 0.1;

export const arms: readonly Arm[] = [
  arm('LoRA', lora, {}, 'LoRA'),
  arm('LoRA in weight space', lora, { form: 'weight-space' }, 'LoRA'),
  arm('LoRAN', loran, {}, 'LoRA'),
  arm("the authors' LoRAN", keptLoran, { dropout: 0 }, 'LoRA'),
  arm('LoRA, dropout 0.1', lora, { dropout }, 'LoRA, dropout 0.1'),
  arm('LoRAN, dropout 0.1', loran, { dropout }, 'LoRA, dropout 0.1'),
  arm("the authors' LoRAN, dropout 0.1", keptLoran, { dropout }, 'LoRA, dropout 0.1'),
];

export const bases: ReadonlyMap<string, BaseStorage> = new Map([fp32, bf16, nf4].map((base) => [base.name, base]));
