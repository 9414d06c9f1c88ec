import type { Tensor } from '@tensorflow/tfjs-core';
import type { AdapterMethod, Context } from './contract/adapter-method.js';
import type { Selection, TargetModules } from './target-modules.js';

/** What an adapter is made from. */
export interface AdapterOptions<Config = unknown> {
  readonly method: AdapterMethod<Config>;
  /** Checked by the method's schema; its defaults fill what is missing. */
  readonly config?: unknown;
  readonly targetModules: TargetModules;
  /** Which of the modules matched are left out; default none. */
  readonly selection?: Selection;
  /** Modules trained whole, as copies of this adapter's own; default none. */
  readonly modulesToSave?: readonly string[];
  /** Whether a head that is the weight of an embedding in `modulesToSave` goes on being it [ensure_weight_tying]; default false. */
  readonly ensureWeightTying?: boolean;
  /** Default 'default', PEFT's name for the only adapter. */
  readonly name?: string;
  /** Seed of the initial values; default 0. */
  readonly seed?: number;
  /** Tensors that the method's layers share, from the adapter's file; the adapter takes them over. Default: the method makes them. */
  readonly shared?: ReadonlyMap<string, Tensor>;
  /** Finds plugins that the configuration names, such as activations; default: none are known. */
  readonly resolve?: Context['resolve'];
  /** Has the model compute examples of the data, for a method that starts from what its modules see; see Context.calibrate. */
  readonly calibrate?: Context['calibrate'];
  /** False where values of a file follow, so that no time is spent on good initial ones; default true. */
  readonly initialise?: boolean;
}
