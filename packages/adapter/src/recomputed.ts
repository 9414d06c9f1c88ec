/**
 * Tensors that the backward pass forms anew instead of keeping: the [rows, columns] updates of a weight.
 *
 * An update such as f(B·A) is as large as the weight, and so is each step on the way to it, while A and B are small. What
 * `recomputed` makes remembers how it was formed. Its own gradient runs that again, with autodiff behind it, and a product with
 * it (recomputedProduct) forms it again for its own gradient too, so that only A and B live from one pass to the other.
 * `after` ties the second run to the gradient that needs it: a lazy engine would otherwise do it at once, for all layers.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { after, valueAndGradients } from '@loran/tensor';
import type { Call } from './contract/adapter-method.js';

/** How a tensor is formed. Differentiable in the inputs; those that are variables may be read by closure, but for the first. */
export interface Formula<T extends Tensor = Tensor> {
  readonly inputs: readonly Tensor[];
  readonly form: (...inputs: Tensor[]) => T;
}

const formulas = new WeakMap<Tensor, Formula>();

/** The tensor of a formula, computed no earlier than `dependency`. The first input is tied to it: what is large must need that. */
export function recomputed<T extends Tensor>({ inputs, form }: Formula<T>, dependency: Tensor): T {
  const make = tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const given = args.slice(0, -1) as Tensor[];
    (args.at(-1) as GradSaveFunc)(given);
    return {
      value: form(...tied(given, dependency)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => formedAgain({ inputs, form }, saved, dy, dy as T).gradients,
    };
  });
  const made = make(...inputs) as T;
  formulas.set(made, { inputs, form });
  return made;
}

export interface ScaledFormula {
  /** What it is formed from; those behind the first are read by closure. */
  readonly variables: readonly [Variable, ...Variable[]];
  readonly scale: Call['scale'];
  /** `from` stands in for the first variable; the scale is a number, or the tensor that varies. */
  readonly form: (from: Tensor2D, scale: Call['scale']) => Tensor2D;
}

/** An update of a weight at the scale of a call, recomputed. */
export function recomputedUpdate({ variables, scale, form }: ScaledFormula, dependency: Tensor): Tensor2D {
  if (typeof scale === 'number') {
    return recomputed({ inputs: variables, form: (from) => form(from as Tensor2D, scale) }, dependency);
  }
  const [first, ...others] = variables;
  const scaled = (from?: Tensor, varying?: Tensor) => form(from as Tensor2D, varying as Scalar);
  return recomputed({ inputs: [first, scale, ...others], form: scaled }, dependency);
}

/** How the tensor was formed, if it was by `recomputed`. */
export function formulaOf<T extends Tensor>(tensor: T): Formula<T> | undefined {
  return formulas.get(tensor) as Formula<T> | undefined;
}

/** a + b, recomputed if both are, one after the other. */
export function sumOf<T extends Tensor>(a: T, b: T): T {
  const [first, second] = [formulaOf(a), formulaOf(b)];
  const sum = added(a, b) as T;
  if (first === undefined || second === undefined) return sum;
  const form = (...inputs: Tensor[]): T => {
    const before = first.form(...inputs.slice(0, first.inputs.length));
    return tf.add<T>(before, second.form(...tied(inputs.slice(first.inputs.length), before)));
  };
  formulas.set(sum, { inputs: [...first.inputs, ...second.inputs], form });
  return sum;
}

/** a + b for equal shapes; the gradient of tfjs's own keeps both for their shapes. */
const added = tf.customGrad((a: Tensor | GradSaveFunc, b: Tensor | GradSaveFunc) => ({
  value: tf.add(a as Tensor, b as Tensor),
  gradFunc: (dy: Tensor) => [tf.clone(dy), tf.clone(dy)],
}));

/** In a backward pass: the value once more, no earlier than `dependency`, and the gradients of Σ value·dy in the inputs. */
export function formedAgain<T extends Tensor>(
  { inputs, form }: Formula<T>,
  saved: readonly Tensor[],
  dependency: Tensor,
  dy: T,
): { readonly value: T; readonly gradients: Tensor[] } {
  // Variables as they are, so that a function that reads them by closure has its gradient; others may be disposed by now.
  const current = inputs.map((input, i) => (input instanceof tf.Variable ? input : (saved[i] ?? input)));
  const again = tied(current, dependency);
  return valueAndGradients(() => form(...again), again, dy);
}

function tied(inputs: readonly Tensor[], dependency: Tensor): Tensor[] {
  return inputs.map((input, i) => (i === 0 ? after(input, dependency) : input));
}
