export { lora } from './lora.js';
export { loraConfig, type LoraConfig, type LoraOptions } from './lora-config.js';
export { trainableTokens, type TrainableTokensConfig } from './trainable-tokens.js';
