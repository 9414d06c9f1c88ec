/** All cases, by kernel. */
import { elementwiseCases } from './elementwise.js';
import { fillCases } from './fills.js';
import { imageCases } from './images.js';
import type { KernelCase } from './kernel-case.js';
import { layoutCases } from './layout.js';
import { positionCases } from './positions.js';
import { productCases } from './products.js';
import { reductionCases } from './reductions.js';
import { windowCases } from './windows.js';

const tables = [
  elementwiseCases,
  fillCases,
  imageCases,
  layoutCases,
  positionCases,
  productCases,
  reductionCases,
  windowCases,
];

/** Kernel name to its cases, each with its label. */
export const casesOf: ReadonlyMap<string, readonly (readonly [string, KernelCase])[]> = tables
  .flatMap((table) => Object.entries(table))
  .reduce(
    (all, [name, cases]) => all.set(name, [...(all.get(name) ?? []), ...Object.entries(cases)]),
    new Map<string, [string, KernelCase][]>(),
  );
