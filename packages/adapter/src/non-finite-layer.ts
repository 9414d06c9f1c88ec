/** Where an adapter's first NaN or infinite number comes from: for whoever has just seen one in a loss or a gradient. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Adapter } from './adapter.js';
import type { AdapterLayer } from './contract/adapter-method.js';

/** What is wrong, in words: the module, and the parameter or activation. `undefined` where all layers are finite by themselves. */
export async function nonFiniteLayer({ layers }: Pick<Adapter, 'layers'>): Promise<string | undefined> {
  for (const [path, layer] of layers) {
    const problem = await problemOf(layer, path);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function problemOf(layer: AdapterLayer, path: string): Promise<string | undefined> {
  for (const [name, parameter] of layer.parameters) {
    if (!(await isFinite(() => parameter))) return `the parameter '${name}' of '${path}' is not finite`;
  }
  const updates = await isFinite(() => layer.delta().weight);
  if (layer.nonlinear === undefined) return updates ? undefined : `the update of '${path}' is not finite`;
  const { name, product, slope, linear } = layer.nonlinear();
  try {
    const finite = { product: await isFinite(() => product), slope: await isFinite(() => slope) };
    if (!finite.product) return `what the activation '${name}' of '${path}' is given is not finite`;
    if (updates && finite.slope) return undefined;
    const range = tf.tidy(() => tf.stack([tf.min(product), tf.max(product)]));
    const [from, to] = await range.data<'float32'>();
    range.dispose();
    const what = updates ? 'the derivative of the activation' : 'the activation';
    return `${what} '${name}' of '${path}' gives NaN or infinite values for arguments from ${from!.toPrecision(3)} to ${to!.toPrecision(3)}`;
  } finally {
    tf.dispose([product, slope, linear]);
  }
}

async function isFinite(of: () => Tensor | undefined): Promise<boolean> {
  const all = tf.tidy(() => {
    const tensor = of();
    return tensor === undefined ? undefined : tf.all(tf.isFinite(tensor));
  });
  if (all === undefined) return true;
  const [finite] = await all.data();
  all.dispose();
  return finite === 1;
}
