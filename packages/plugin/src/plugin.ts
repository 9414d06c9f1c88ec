/** What identifies a plugin, so that a file or an error can say which one it needs. */
export type PluginKind =
  | 'activation'
  | 'base-storage'
  | 'adapter-method'
  | 'preset'
  | 'dataset'
  | 'dataset-reader'
  | 'evaluator'
  | 'model-family'
  | 'engine';

export interface Plugin {
  readonly kind: PluginKind;
  /** The name users write in a configuration; unique within its kind. */
  readonly name: string;
  /** npm package that ships it, for files and errors; `null` for one defined in a user's script. */
  readonly package: string | null;
  readonly version: string | null;
}
