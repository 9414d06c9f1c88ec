/** Rank and scaling of one module: s = α/r, or α/√r with rsLoRA (Kalajdzievski 2023, arXiv 2312.03732). */
import { patternValue } from '@loran/adapter';
import type { LoraConfig } from './lora-config.js';

export interface ModuleScaling {
  readonly rank: number;
  readonly alpha: number;
  readonly scaling: number;
}

export function moduleScaling(config: LoraConfig, path: string): ModuleScaling {
  const rank = patternValue(config.rankPattern, path) ?? config.rank;
  const alpha = patternValue(config.alphaPattern, path) ?? config.alpha;
  return { rank, alpha, scaling: alpha / (config.rsLora ? Math.sqrt(rank) : rank) };
}
