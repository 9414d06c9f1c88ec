export { type Adapter, adapterParameters } from './adapter.js';
export type { AdapterOptions } from './adapter-options.js';
export { AdapterSet } from './adapter-set.js';
export { type AdapterStatus, formatAdapterStatus } from './adapter-status.js';
export { combinationTypes, type CombinationType } from './combine/combination-type.js';
export { combineAdapters, type CombinedAdapter } from './combine/combine-adapters.js';
export type { CombineOptions } from './combine/combine-options.js';
export type { Adaptable } from './contract/adaptable.js';
export type {
  AdapterFormat,
  AdapterLayer,
  AdapterMethod,
  Call,
  Context,
  Delta,
  FactoredFacts,
  FactoredUpdate,
  LayerRequest,
  Next,
  NonlinearUpdate,
  Rescaling,
  SparseRows,
  TargetFacts,
} from './contract/adapter-method.js';
export { linear, LoranError, variable, z } from './contract/for-plugins.js';
export type { BaseStorage, FrozenWeight, WeightSource } from './contract/frozen-weight.js';
export type { Preset } from './contract/preset.js';
export { ShapeMismatchError } from './errors/shape-mismatch.js';
export { TargetModulesNotFoundError } from './errors/target-modules-not-found.js';
export { readAdapterConfig } from './folder/adapter-config.js';
export { hasAdapterWeights, openAdapterWeights } from './folder/adapter-weights.js';
export { loadAdapters, saveAdapters } from './folder/adapter-folders.js';
export { addFactored, factoredLayers, type FactoredLayer } from './folder/factored-layers.js';
export { loadAdapter, type LoadAdapterOptions } from './folder/load-adapter.js';
export { loadMlxAdapter } from './folder/load-mlx-adapter.js';
export { givenFields, type PeftFields, refuseUnsupported, unsupportedField } from './folder/peft-fields.js';
export { missingPlugin, type PluginFacts, readPluginFacts } from './folder/plugin-facts.js';
export { saveAdapter, type SaveAdapterOptions } from './folder/save-adapter.js';
export { saveMlxAdapter } from './folder/save-mlx-adapter.js';
export { swapAdapter } from './folder/swap-from-folder.js';
export { lowRankFactors, type LowRankFactors, type LowRankOptions } from './low-rank-factors.js';
export type { MergeOptions } from './merge.js';
export type { MergeReport, RoundingError } from './merge-report.js';
export { isAdapted, mergedModule, type MergedModule } from './merged-module.js';
export { modulePatterns, pathPattern, patternValue } from './module-pattern.js';
export { nonFiniteLayer } from './non-finite-layer.js';
export { formatParameterCount, type ParameterCount } from './parameter-count.js';
export { inference, type Pass } from './pass.js';
export { recomputed, recomputedUpdate, type Formula, type ScaledFormula } from './recomputed.js';
export { staysTied } from './saved-module.js';
export { Slot } from './slot.js';
export { bf16 } from './storage/bf16.js';
export { fp32, frozenTensor } from './storage/fp32.js';
export { recomputedProduct, updateProduct, updateRows } from './storage/recomputed-product.js';
export { matchTargetModules, type Selection, type TargetModules } from './target-modules.js';
