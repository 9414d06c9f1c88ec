export { type AdapterAnalysis, analyseAdapter, type AnalyseOptions, type LayerAnalysis } from './analyse-adapter.js';
export { analysisTable } from './analysis-table.js';
export { analysisPlot } from './analysis-plot.js';
export type { AnalysisWarning } from './analysis-warnings.js';
export { type NonlinearityAnalysis, type RoundedType } from './nonlinearity.js';
export { type ReducedLayer, reduceToLora, type ReduceOptions, type Reduction } from './reduce-to-lora.js';
export { type BeyondRank, type Spectrum, spectrumOf, type SpectrumOptions } from './spectrum.js';
