/** What one process reports of one generation: the last line of its stdout, as JSON. */
export interface Speed {
  readonly loadSeconds: number;
  readonly promptTokens: number;
  /** To the first new token; the second time, when everything is compiled. */
  readonly prefillSeconds: number;
  /** Median seconds of a further token. */
  readonly tokenSeconds: number;
  readonly peakResidentBytes: number;
}
