/** Prints the losses of the default engine as JSON: tfjs is global, so another engine needs another process. */
import { onnxruntime } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine } from '@loran/tensor';
import { trainAdapters } from './train.js';

await openEngine(onnxruntime, { device: 'cpu' });
process.stdout.write(JSON.stringify(await trainAdapters()));
await closeEngine();
