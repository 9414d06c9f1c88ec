/** What an engine asks of its backend. */
export interface BackendSettings {
  /** Compiled graphs kept, and the memory they may keep together; the least recently used is released first. */
  readonly sessions: number;
  readonly sessionBytes: number;
  /** Nodes that may be pending before they are computed unasked. */
  readonly pendingNodes: number;
  /** Whether errors say where an op was called. */
  readonly callSites: boolean;
}
