/**
 * What is bundled: tfjs-core from its module sources, our engine on that same copy, and tfjs-core's own tests.
 *
 * Only as one bundle do they share a copy: the package's Node entry holds another, and its modules cannot be imported by Node.
 */
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { openEngine } from '@loran/tensor';

await openEngine(onnxruntime, { device: 'cpu' });
setTestEnvs([{ name: 'onnxruntime', backendName: 'onnxruntime', isDataSync: true }]);
await import('@tensorflow/tfjs-core/dist/tests');
