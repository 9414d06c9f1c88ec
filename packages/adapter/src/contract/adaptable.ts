import type { Slot } from '../slot.js';

/** A model that adapters can be put on: anything that can name its slots. */
export interface Adaptable {
  /** Path as in the Hugging Face class ('bert.encoder.layer.0.attention.self.query') -> slot. */
  modules(): ReadonlyMap<string, Slot>;
  /** Paths of the output head, which `targetModules: 'all-linear'` leaves out; none when omitted. */
  readonly outputHead?: readonly string[];
  /**
   * Paths of linear modules whose weight the Hugging Face class keeps as [in, out] (GPT-2's Conv1D): PEFT must be told so, and
   * files hold it that way. A slot's own weight is [out, in], always. None when omitted.
   */
  readonly conv1d?: ReadonlySet<string>;
  /** Path of an output head that is an embedding's own weight -> path of that embedding. None when omitted. */
  readonly tied?: ReadonlyMap<string, string>;
  /**
   * Successive runs of the values [rows, columns] that a module's frozen weight was made from, in fp32 as they were before its
   * storage rounded them: read again from the model's files, and not kept. `undefined` for a module that the files hold quantised
   * already, or not at all. None when omitted.
   */
  original?(path: string): AsyncIterable<Float32Array> | undefined;
  /** A hash that tells these weights from others of the same shapes: adapters record it. None when omitted. */
  readonly fingerprint?: string;
  /** Parameters outside the slots (layer norms, …), for the count; 0 when omitted. */
  readonly otherParameters?: number;
}
