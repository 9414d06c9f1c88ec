import type { Slot } from '../slot.js';

/** A model that adapters can be put on: anything that can name its slots. */
export interface Adaptable {
  /** Path as in the Hugging Face class ('bert.encoder.layer.0.attention.self.query') -> slot. */
  modules(): ReadonlyMap<string, Slot>;
  /** Paths of the output head, which `targetModules: 'all-linear'` leaves out; none when omitted. */
  readonly outputHead?: readonly string[];
  /** Parameters outside the slots (layer norms, …), for the count; 0 when omitted. */
  readonly otherParameters?: number;
}
