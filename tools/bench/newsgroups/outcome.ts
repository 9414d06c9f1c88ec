/** What one arm reports: the last line of its stdout, as JSON. */
export interface Outcome {
  readonly method: string;
  readonly seed: number;
  readonly epochs: readonly { readonly loss: number; readonly accuracy: number }[];
  /** Predicted class of each test post after the last epoch. */
  readonly predictions: readonly number[];
  readonly trainable: number;
  readonly steps: number;
  /** Tokens trained on, without padding. */
  readonly tokens: number;
  /** Seconds spent in updates. */
  readonly seconds: number;
  /** Median seconds of an update, those that compile included. */
  readonly medianStep: number;
  readonly peakResidentBytes: number;
  /** Versions of what the benchmark itself cannot know, by name. */
  readonly versions: Readonly<Record<string, string>>;
}
