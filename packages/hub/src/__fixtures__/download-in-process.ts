/** Downloads a model in a process of its own and tells its parent how far it is, so that the parent can kill it on the way. */
import { downloadModel, type ModelOptions } from '../index.js';

const options = JSON.parse(process.env['OPTIONS']!) as ModelOptions;
await downloadModel(process.env['REPOSITORY']!, { ...options, onProgress: ({ loadedBytes }) => process.send?.(loadedBytes) });
