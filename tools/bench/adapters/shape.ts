/** Sizes of the measured model and step; the defaults are SmolLM2-135M's, with fewer layers and words. */
export interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly time: number;
  readonly rank: number;
}

export const smallShape: Shape = {
  layers: 6,
  width: 576,
  heads: 9,
  keyHeads: 3,
  hidden: 1536,
  vocabulary: 8192,
  batch: 4,
  time: 256,
  rank: 8,
};
