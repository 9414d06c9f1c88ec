/** Published settings by name: of LoRAN's authors, and of Sine-LoRA, which is LoRAN with a sine and a scaling of its own. */
import type { Preset } from '@loran/adapter';
import { version } from './version.js';

/**
 * The setting of the published runs (Li et al., Findings of EMNLP 2024, doi 10.18653/v1/2024.findings-emnlp.177; README and configurations of
 * their code): rank 64, alpha 16, dropout 0.2 on the queries and values of Llama 2, over NF4 with double quantisation.
 */
export const loranPaper: Preset = {
  kind: 'preset',
  name: 'loran.paper',
  package: '@loran/loran',
  version,
  about: "LoRAN as in its authors' published runs (Li et al. 2024)",
  base: 'nf4',
  adapter: {
    method: 'loran',
    rank: 64,
    alpha: 16,
    dropout: 0.2,
    activation: { name: 'sinter', amplitude: 5e-5, frequency: 1e4 },
    targetModules: ['q_proj', 'v_proj'],
  },
};

/**
 * Sine-LoRA (Ji et al., ICLR 2025, arXiv 2403.19243): ΔW = α/r · sin(ω·B·A)/√in. Their code has no default for ω. Here it is 64, with which the
 * slope at the start, ω/√in, is that of LoRA where a weight has 4096 inputs; rank and alpha are left at the method's defaults.
 */
export const sineLora: Preset = {
  kind: 'preset',
  name: 'loran.sine-lora',
  package: '@loran/loran',
  version,
  about: 'Sine-LoRA (Ji et al. 2025): a sine of the product, over the root of its width',
  adapter: { method: 'loran', activation: { name: 'sine', frequency: 64 }, scaling: 'rank-and-width' },
};

export const loranPresets: readonly Preset[] = [loranPaper, sineLora];
