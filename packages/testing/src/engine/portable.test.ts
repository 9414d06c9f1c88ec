/** The engine that @loran/tensor makes of any tfjs backend. */
import '@tensorflow/tfjs-backend-cpu';
import { portableEngine } from '@loran/tensor';
import { describeEngine } from './describe-engine.js';

describeEngine(() => portableEngine('cpu'), {
  skip: [
    'decodes the weights of many layers one after another',
    'forms the updates of many layers one after another, in both passes',
  ].map((law) => ({ law, reason: 'ops run at once, and JavaScript frees their arrays when it likes' })),
});
