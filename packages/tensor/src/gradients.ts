/**
 * The gradients of tfjs-core's kernels, which its Node entry leaves out, and leaner ones for Sum and Mean.
 *
 * tfjs's own Sum and Mean gradients multiply by a `ones` array of the input's full size, made in JavaScript at every step:
 * 70 ms a step at 6 layers of width 576. Broadcasting gives the same values without it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { gradients } from '#tfjs-gradients';

/**
 * Registers a gradient for every tfjs-core kernel that has one and has none registered yet. `openEngine` calls it;
 * call it yourself when you use adapters on a bare tfjs backend. Calling it again changes nothing.
 */
export function registerGradients(): void {
  for (const gradient of gradients) {
    if ((tf.getGradient(gradient.kernelName) as GradConfig | undefined) === undefined) tf.registerGradient(gradient);
  }
  for (const gradient of lean) {
    if (tf.getGradient(gradient.kernelName) === gradient) continue;
    tf.unregisterGradient(gradient.kernelName);
    tf.registerGradient(gradient);
  }
}

const lean: readonly GradConfig[] = [
  {
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attributes) => ({ x: () => spread(first(dy), only(x), attributes, false) }),
  },
  {
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attributes) => ({ x: () => spread(first(dy), only(x), attributes, true) }),
  },
];

/** dy of a reduction, spread back over the reduced axes of x; divided by their size for a mean. */
function spread(dy: Tensor, x: Tensor, { axis }: NamedAttrMap, mean: boolean): Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const reduced = tf.util.sizeFromShape(x.shape) / Math.max(1, tf.util.sizeFromShape(kept));
  const scaled = mean ? tf.mul(dy, 1 / reduced) : dy;
  return tf.broadcastTo(tf.cast(tf.reshape(scaled, kept), 'float32'), x.shape);
}

const first = (dy: Tensor | Tensor[]): Tensor => only(Array.isArray(dy) ? dy[0] : dy);

function only(x: Tensor | undefined): Tensor {
  if (x === undefined) throw new Error('A reduction was recorded without its input.');
  return x;
}
